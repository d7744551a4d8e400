package events

import (
	"encoding/json"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// maxRules is how many rules a bus may have. AWS begins with 300 and raises it.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
//
// There is no such limit here: what it protects is the index that all customers
// share, and this one is yours.

// changeRuleTx is [Service.changeRule] in a transaction.
func (s *Service) changeRuleTx(tx *kv.Tx, r rule, change func(old *ruleRow) (*ruleRow, error), now clock.Instant) error {
	b, err := loadBus(tx, r.bus)
	if err != nil {
		return err
	}
	var old *ruleRow
	var row ruleRow
	switch ok, err := jsonrow.Get(tx, r.key(), &row); {
	case err != nil:
		return err
	case ok:
		old = &row
	}
	had := ""
	if old != nil {
		had = old.timing()
	}
	is, err := change(old)
	switch {
	case err != nil:
		return err
	case is == nil && old == nil:
		return errUnchanged
	case is == nil:
		tx.Delete(r.key())
	default:
		if err := jsonrow.Set(tx, r.key(), is); err != nil {
			return err
		}
	}
	if err := noteRule(tx, r, b.ID); err != nil {
		return err
	}
	if is == nil || is.timing() == "" {
		if had == "" {
			return nil
		}
		return s.Timers.Cancel(tx, r.bus.cell(), kindSchedule, r.timerID())
	}
	if had == is.timing() {
		return nil
	}
	return s.setSchedule(tx, r, is, now)
}

// timing is what the timer of a rule follows from; empty for none.
func (r *ruleRow) timing() string {
	if r.Schedule == "" || !r.on() {
		return ""
	}
	b, err := json.Marshal([]any{r.Schedule, r.Begun})
	if err != nil {
		return ""
	}
	return string(b)
}
