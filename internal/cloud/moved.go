package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// addresses are where the AWS endpoint of a store's cloud has been. A queue's URL is
// kept where a template or a user has put it, in the environments of functions and in
// the outputs of stacks, with the port of the day on which it was put there; and SDKs
// send to the host of the URL that they are given. So what is handed out again is what
// the URL is today.
//
// What the API is asked with may be of any day: SQS reads the account and the name of
// a URL alone.
type addresses struct {
	account, now string
	before       map[string]bool // written before anything runs
}

// mostAddresses bounds what is kept: of clouds on a port of their own at every start
// the last ones.
const mostAddresses = 1000

// addressesKey is where they are kept, in the account's cell without a region.
//
// History: 0 is a JSON list of URLs, the newest last.
func (c *Cloud) addressesKey() kv.Key {
	return keyspace.Service(keyspace.Cell{Account: c.opts.Account}, "nube", 0).Key().Str("endpoints").Done()
}

// note reads where the cloud has been, and adds where it is.
func (a *addresses) note(ctx context.Context, db *kv.DB, key kv.Key) error {
	_, err := db.Update(ctx, func(tx *kv.Tx) error {
		text, err := tx.Get(key)
		if err != nil {
			return err
		}
		var all []string
		if text != nil {
			if err := json.Unmarshal(text, &all); err != nil {
				return err
			}
		}
		a.before = map[string]bool{}
		for _, u := range all {
			a.before[u] = u != a.now
		}
		if len(all) > 0 && all[len(all)-1] == a.now {
			return nil
		}
		all = append(slices.DeleteFunc(all, func(u string) bool { return u == a.now }), a.now)
		if text, err = json.Marshal(all[max(0, len(all)-mostAddresses):]); err == nil {
			tx.Set(key, text)
		}
		return err
	}, kv.Relaxed()) // what is acknowledged with the address in it lies after it in the log
	if err != nil {
		return fmt.Errorf("where the AWS endpoint has been: %w", err)
	}
	return nil
}

// current is a text in which the URLs of the account's queues are those of today.
func (a *addresses) current(text string) string {
	path := "/" + a.account + "/"
	for from := 0; ; {
		i := strings.Index(text[from:], path)
		if i < 0 {
			return text
		}
		i += from
		from = i + len(path)
		at := strings.LastIndex(text[:i], "http")
		if at < 0 || !a.before[text[at:i]] {
			continue
		}
		text = text[:at] + a.now + text[i:]
		from += len(a.now) - (i - at)
	}
}
