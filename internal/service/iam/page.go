package iam

import (
	"net/http"
	"strconv"

	"github.com/nube-run/nube/internal/fault"
)

// page cuts one page out of a list: IAM's Marker and MaxItems, 100 items when
// not said otherwise. The marker is the position of the page's first item.
func page[T any](items []T, marker *string, max *int32) (out []T, truncated *bool, next *string, err error) {
	start := 0
	if marker != nil {
		if start, err = strconv.Atoi(*marker); err != nil || start < 0 {
			return nil, nil, nil, fault.New("ValidationError", "Invalid Marker.").With(http.StatusBadRequest)
		}
	}
	n := 100
	if max != nil {
		n = int(*max)
	}
	start = min(start, len(items))
	end := min(start+n, len(items))
	more := end < len(items)
	if more {
		next = ptr(strconv.Itoa(end))
	}
	return items[start:end], &more, next, nil
}
