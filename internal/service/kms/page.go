package kms

import (
	"context"
	"encoding/base64"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// page lists rows from where a marker says until limit of them were taken, and
// returns the marker of the next, nil at the end.
func (s *Service) page(ctx context.Context, r kv.Range, marker *string, limit *int32, usual int, take func(kv.Pair) (bool, error)) (*string, error) {
	if marker != nil {
		after, err := base64.RawURLEncoding.DecodeString(*marker)
		if err != nil || !r.Contains(after) {
			return nil, fault.New("InvalidMarkerException", "Invalid marker")
		}
		r.Start = kv.Next(after)
	}
	most := usual
	if limit != nil {
		most = int(*limit)
	}
	n := 0
	var last kv.Key
	var next *string
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		for p, err := range snap.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			if n == most {
				next = ptr(base64.RawURLEncoding.EncodeToString(last))
				return nil
			}
			ok, err := take(p)
			if err != nil {
				return err
			}
			if ok {
				n++
				last = p.Key
			}
		}
		return nil
	})
	return next, err
}

// cut is page for what is in memory already, in the order of by.
func cut[T any](list []T, marker *string, limit *int32, usual int, by func(T) string) ([]T, *string, error) {
	if marker != nil {
		after, err := base64.RawURLEncoding.DecodeString(*marker)
		if err != nil {
			return nil, nil, fault.New("InvalidMarkerException", "Invalid marker")
		}
		for len(list) > 0 && by(list[0]) <= string(after) {
			list = list[1:]
		}
	}
	most := usual
	if limit != nil {
		most = int(*limit)
	}
	if len(list) <= most {
		return list, nil, nil
	}
	return list[:most], ptr(base64.RawURLEncoding.EncodeToString([]byte(by(list[most-1])))), nil
}
