package lambda

import (
	"context"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// InUse returns the digests of all artifacts that functions, their versions and
// layers have, in all accounts and regions.
func (s *Service) InUse(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		cells, err := timer.Cells(sn, "lambda")
		if err != nil {
			return err
		}
		for _, c := range cells {
			if err := inUse(sn, spaceOf(c), out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func inUse(sn *kv.Snap, sp space, out map[string]bool) error {
	note := func(c *config) {
		out[c.Code.Digest] = true
		for _, l := range c.Layers {
			out[l.Digest] = true
		}
	}
	for p, err := range sn.Scan(sp.functions(), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		f, err := decode[function](p.Value)
		if err != nil {
			return err
		}
		note(&f.Latest)
		versions, err := f.published(sn, sp)
		if err != nil {
			return err
		}
		for _, v := range versions {
			note(v)
		}
	}
	for p, err := range sn.Scan(sp.layers(), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		// Under the name alone stands the counter of its versions.
		if l, err := decode[layer](p.Value); err == nil {
			out[l.Code.Digest] = true
		}
	}
	return nil
}
