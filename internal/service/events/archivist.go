package events

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// archiveScheme is that of archives.
const archiveScheme = "events-archive"

// archives is delivery's receiver of events for archives. What it keeps commits
// with the end of the effect.
type archives struct{ s *Service }

// Scheme implements [delivery.Receiver].
func (archives) Scheme() string { return archiveScheme }

// forgotten is how many events whose days are over go with each that comes.
const forgotten = 16

// AcceptTx implements [delivery.TxReceiver].
func (r archives) AcceptTx(tx *kv.Tx, now clock.Instant, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		if err := r.accept(tx, now, &es[i]); err != nil {
			_, gone := fault.As(err)
			out[i] = delivery.Outcome{Err: err, Permanent: gone}
		}
	}
	return out
}

func (r archives) accept(tx *kv.Tx, now clock.Instant, f *delivery.Effect) error {
	n, ok := archiveOfARN(strings.TrimPrefix(f.Target, archiveScheme+":"))
	if !ok {
		return fault.New("ResourceNotFoundException", "%s is no archive", f.Target)
	}
	row, err := loadArchive(tx, n)
	if err != nil {
		return err
	}
	var e struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(f.Payload, &e); err != nil {
		return fmt.Errorf("events: archive: %w", err)
	}
	sp := n.space()
	// What is replayed is chosen by when it came.
	tx.Set(sp.archived(row.ID, f.At, e.ID), f.Payload)
	count, bytes := int64(1), int64(len(f.Payload))
	if row.Days > 0 {
		for p, err := range tx.Scan(sp.archivedUntil(row.ID, row.oldest(now)), kv.ScanOptions{Limit: forgotten}) {
			if err != nil {
				return err
			}
			tx.Delete(p.Key)
			count, bytes = count-1, bytes-int64(len(p.Value))
		}
	}
	tx.Add(sp.named("kept", row.ID), count)
	tx.Add(sp.named("size", row.ID), bytes)
	return nil
}

var _ delivery.TxReceiver = archives{}
