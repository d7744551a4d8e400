package apigateway

import (
	"context"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// day counts days of UTC since 1970: what usage is kept by.
type day int64

const aDay = 24 * time.Hour

func dayOf(i clock.Instant) day { return day(i.Unix() / int64(aDay/time.Second)) }

func (d day) time() time.Time { return time.Unix(int64(d)*int64(aDay/time.Second), 0).UTC() }

func dayAt(t time.Time) day { return day(t.Unix() / int64(aDay/time.Second)) }

// usage counts the requests of a day.
func (s space) usage(plan, key string, d day) kv.Key {
	return s.Key().Str("usage").Str(plan).Str(key).Int(int64(d)).Done()
}

func (s space) usageOf(plan, key string) kv.Range {
	return kv.Range(s.Key().Str("usage").Str(plan).Str(key).Range())
}

func (s space) usageOfPlan(plan string) kv.Range {
	return kv.Range(s.Key().Str("usage").Str(plan).Range())
}

func (s space) extensionsOfPlan(plan string) kv.Range {
	return kv.Range(s.Key().Str("extension").Str(plan).Range())
}

func (s space) extension(plan, key string) kv.Key {
	return s.Key().Str("extension").Str(plan).Str(key).Done()
}

// forgetUsage removes what is known of a key's use of a plan.
func forgetUsage(tx *kv.Tx, sp space, plan, key string) {
	tx.DeleteRange(sp.usageOf(plan, key))
	tx.Delete(sp.extension(plan, key))
}

// extension is what UpdateUsage has added to the quota of a period.
type extension struct {
	Start day
	Extra int64
}

// periodStart is the first day of the period of a quota that d is in. The
// offset says on which day of the week, from Sunday, or of the month it begins.
// https://docs.aws.amazon.com/apigateway/latest/api/API_QuotaSettings.html
func periodStart(q *shapes.QuotaSettings, d day) day {
	offset := int(value(q.Offset))
	switch t := d.time(); value(q.Period) {
	case "WEEK":
		return d - day((int(t.Weekday())-offset+7)%7)
	case "MONTH":
		first := time.Date(t.Year(), t.Month(), 1+offset, 0, 0, 0, 0, time.UTC)
		if first.After(t) {
			first = time.Date(t.Year(), t.Month()-1, 1+offset, 0, 0, 0, 0, time.UTC)
		}
		return dayAt(first)
	}
	return d
}

// used reads what a key has used from one day to another, and what its quota is
// extended by.
func used(tx *kv.Tx, sp space, plan, key string, from, to day) (byDay []int64, ext extension, err error) {
	byDay = make([]int64, max(int(to-from)+1, 0))
	for i := range byDay {
		text, err := tx.Get(sp.usage(plan, key, from+day(i)))
		if err != nil {
			return nil, ext, err
		}
		if byDay[i], err = kv.Int64(text); err != nil {
			return nil, ext, err
		}
	}
	e, err := jsonrow.Load[extension](tx, sp.extension(plan, key))
	if e != nil {
		ext = *e
	}
	return byDay, ext, err
}

// extra is what an extension is worth in the period that begins at start.
func (e extension) extra(start day) int64 {
	if e.Start == start {
		return e.Extra
	}
	return 0
}

func sum(ns []int64) (total int64) {
	for _, n := range ns {
		total += n
	}
	return total
}

// maxUsageDays is how many days GetUsage shows at once.
const maxUsageDays = 90

// https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsage.html
func (s *Service) getUsage(ctx context.Context, in *shapes.GetUsageRequest) (*shapes.Usage, error) {
	plan, err := s.readPlan(ctx, *in.UsagePlanId)
	if err != nil {
		return nil, err
	}
	start, errStart := time.Parse(time.DateOnly, *in.StartDate)
	end, errEnd := time.Parse(time.DateOnly, *in.EndDate)
	from, to := dayAt(start), dayAt(end)
	switch {
	case errStart != nil || errEnd != nil:
		return nil, badRequest("Invalid date: startDate and endDate must be of the form yyyy-MM-dd")
	case to < from:
		return nil, badRequest("Invalid date range: endDate must not be before startDate")
	case to-from >= maxUsageDays:
		return nil, badRequest("Invalid date range: it must not be longer than %d days", maxUsageDays)
	}
	out := &shapes.Usage{UsagePlanId: plan.Id, StartDate: in.StartDate, EndDate: in.EndDate}
	sp := spaceOf(awsapi.From(ctx).Scope)
	// A transaction, not a snapshot: counts are shown before they are on disk.
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		members, err := list[shapes.UsagePlanKey](tx, sp.planKeys(*plan.Id))
		if err != nil {
			return err
		}
		if members, out.Position, err = page(members, in.Position, in.Limit); err != nil {
			return err
		}
		out.Items = map[string][][]int64{}
		for _, m := range members {
			if in.KeyId != nil && *in.KeyId != *m.Id {
				continue
			}
			if out.Items[*m.Id], err = usageTable(tx, sp, plan, *m.Id, from, to); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// usageTable is what a key has used and had left on each of some days.
func usageTable(tx *kv.Tx, sp space, plan *shapes.UsagePlan, key string, from, to day) ([][]int64, error) {
	first := from
	if plan.Quota != nil {
		first = periodStart(plan.Quota, from)
	}
	byDay, ext, err := used(tx, sp, *plan.Id, key, first, to)
	if err != nil {
		return nil, err
	}
	rows := make([][]int64, 0, int(to-from)+1)
	for d := from; d <= to; d++ {
		n, left := byDay[d-first], int64(0)
		if q := plan.Quota; q != nil {
			start := periodStart(q, d)
			left = int64(value(q.Limit)) + ext.extra(start) - sum(byDay[start-first:d-first+1])
		}
		rows = append(rows, []int64{n, max(left, 0)})
	}
	return rows, nil
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateUsage.html
func (s *Service) updateUsage(ctx context.Context, in *shapes.UpdateUsageRequest) (*shapes.Usage, error) {
	plan, err := s.readPlan(ctx, *in.UsagePlanId)
	if err != nil {
		return nil, err
	}
	if plan.Quota == nil {
		return nil, badRequest("Usage plan %s has no quota to extend", *plan.Id)
	}
	var remaining int64 = -1
	for _, p := range in.PatchOperations {
		n, err := strconv.ParseInt(value(p.Value), 10, 32)
		if value(p.Path) != "/remaining" || value(p.Op) != "replace" || err != nil || n < 0 {
			return nil, badPatch(p)
		}
		remaining = n
	}
	today := dayOf(s.clock.Now())
	start := periodStart(plan.Quota, today)
	sp := spaceOf(awsapi.From(ctx).Scope)
	out := &shapes.Usage{UsagePlanId: plan.Id, StartDate: ptr(today.time().Format(time.DateOnly)), EndDate: ptr(today.time().Format(time.DateOnly))}
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		member, err := tx.Get(sp.planKey(*plan.Id, *in.KeyId))
		if err != nil {
			return err
		}
		if member == nil {
			return noSuchMember(*plan.Id, *in.KeyId)
		}
		byDay, _, err := used(tx, sp, *plan.Id, *in.KeyId, start, today)
		if err != nil {
			return err
		}
		if remaining >= 0 {
			ext := extension{Start: start, Extra: remaining + sum(byDay) - int64(value(plan.Quota.Limit))}
			if err := jsonrow.Set(tx, sp.extension(*plan.Id, *in.KeyId), ext); err != nil {
				return err
			}
			tx.Signal(sp.changed())
		}
		rows, err := usageTable(tx, sp, plan, *in.KeyId, today, today)
		out.Items = map[string][][]int64{*in.KeyId: rows}
		return err
	})
	return out, err
}

// quotaKey is a key in a plan.
type quotaKey struct {
	scope     arn.Scope
	plan, key string
}
