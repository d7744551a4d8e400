package events

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// archivist is who keeps the rules by which events come to archives.
const archivist = "prod.vhs.events.aws.internal"

// archiveRow is the row of an archive.
type archiveRow struct {
	ID, Bus     string // the bus by its ARN
	Created     clock.Instant
	Description string `json:",omitempty"`
	Pattern     string `json:",omitempty"`
	Days        int32  `json:",omitempty"` // 0 is for ever
}

// oldest is when the first event came that an archive still keeps.
func (a *archiveRow) oldest(now clock.Instant) clock.Instant {
	if a.Days == 0 {
		return 0
	}
	return now.Add(-time.Duration(a.Days) * 24 * time.Hour)
}

// named names what has a name of its own in an account and a region.
func named(ctx context.Context, name *string) bus {
	return bus{awsapi.From(ctx).Scope, value(name)}
}

// An archive, like all that is named and no bus, is named as a bus is: by an
// account, a region and a name.
func (b bus) other(kind string) string { return string(b.scope.Of("events", kind+"/"+b.name)) }

// ruleOfArchive is the managed rule by which events come to an archive.
func ruleOfArchive(of bus, archive string) rule { return rule{of, "Events-Archive-" + archive} }

// archivePattern is what an archive takes: what its own pattern lets through, but
// nothing that is replayed.
func archivePattern(own string) (string, error) {
	doc := map[string]json.RawMessage{}
	if own != "" {
		if err := json.Unmarshal([]byte(own), &doc); err != nil {
			return "", fmt.Errorf("events: pattern: %w", err)
		}
	}
	doc["replay-name"] = json.RawMessage(`[{"exists":false}]`)
	b, err := json.Marshal(doc)
	return string(b), err
}

// onNamed is the access function of operations on something that has a name.
func onNamed[I any](action, kind string, name func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		return need(action, named(ctx, name(in)).other(kind), nil), nil
	}
}

func onArchive[I any](action string, name func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return onNamed(action, "archive", name)
}

func accessCreateArchive(ctx context.Context, in *shapes.CreateArchiveRequest) ([]awsapi.Access, error) {
	if _, ok := busOfARN(value(in.EventSourceArn)); !ok {
		return nil, notOfBus()
	}
	return append(need("CreateArchive", named(ctx, in.ArchiveName).other("archive"), nil), need("CreateArchive", value(in.EventSourceArn), nil)...), nil
}

func notOfBus() *fault.Error {
	return invalid("Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN of this account and region.")
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html
func (s *Service) createArchive(ctx context.Context, in *shapes.CreateArchiveRequest) (*shapes.CreateArchiveResponse, error) {
	n := named(ctx, in.ArchiveName)
	of, ok := busOfARN(value(in.EventSourceArn))
	if !ok || of.scope != n.scope {
		return nil, notOfBus()
	}
	now := s.Clock.Now()
	row := archiveRow{ID: rand.Text(), Bus: of.arn(), Created: now, Description: value(in.Description), Pattern: value(in.EventPattern), Days: number(in.RetentionDays)}
	takes, err := s.archiveRule(ctx, n, &row)
	if err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().named("archive", n.name)
		switch old, err := tx.Get(k); {
		case err != nil:
			return err
		case old != nil:
			return alreadyThere("Archive %s already exists.", n.name)
		}
		if err := jsonrow.Set(tx, k, &row); err != nil {
			return err
		}
		return s.changeRuleTx(tx, ruleOfArchive(of, n.name), func(*ruleRow) (*ruleRow, error) { return takes, nil }, now)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateArchiveResponse{ArchiveArn: ptr(n.other("archive")), State: ptr(enabled), CreationTime: &row.Created}, nil
}

func number(p *int32) int32 {
	if p == nil {
		return 0
	}
	return *p
}

// archiveRule is the rule of an archive.
func (s *Service) archiveRule(ctx context.Context, n bus, row *archiveRow) (*ruleRow, error) {
	if row.Pattern != "" {
		if _, err := parsePattern(row.Pattern); err != nil {
			return nil, err
		}
	}
	takes, err := archivePattern(row.Pattern)
	if err != nil {
		return nil, err
	}
	return &ruleRow{
		Pattern: takes, State: enabled, ManagedBy: archivist, CreatedBy: awsapi.From(ctx).Actor.Account, Begun: row.Created,
		Targets: []target{{ID: "Events-Archive-" + n.name, ARN: n.other("archive")}},
	}, nil
}

func loadArchive(r reader, n bus) (row archiveRow, err error) {
	ok, err := jsonrow.Get(r, n.space().named("archive", n.name), &row)
	if err == nil && !ok {
		err = notFound("Archive %s does not exist.", n.name)
	}
	return row, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateArchive.html
func (s *Service) updateArchive(ctx context.Context, in *shapes.UpdateArchiveRequest) (*shapes.UpdateArchiveResponse, error) {
	n := named(ctx, in.ArchiveName)
	now := s.Clock.Now()
	if in.EventPattern != nil && *in.EventPattern != "" {
		if _, err := parsePattern(*in.EventPattern); err != nil {
			return nil, err
		}
	}
	var row archiveRow
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) (err error) {
		if row, err = loadArchive(tx, n); err != nil {
			return err
		}
		if in.Description != nil {
			row.Description = *in.Description
		}
		if in.EventPattern != nil {
			row.Pattern = *in.EventPattern
		}
		if in.RetentionDays != nil {
			row.Days = *in.RetentionDays
		}
		takes, err := s.archiveRule(ctx, n, &row)
		if err != nil {
			return err
		}
		if err := jsonrow.Set(tx, n.space().named("archive", n.name), &row); err != nil {
			return err
		}
		of, _ := busOfARN(row.Bus)
		return s.changeRuleTx(tx, ruleOfArchive(of, n.name), func(*ruleRow) (*ruleRow, error) { return takes, nil }, now)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateArchiveResponse{ArchiveArn: ptr(n.other("archive")), State: ptr(enabled), CreationTime: &row.Created}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteArchive.html
func (s *Service) deleteArchive(ctx context.Context, in *shapes.DeleteArchiveRequest) (*shapes.DeleteArchiveResponse, error) {
	n := named(ctx, in.ArchiveName)
	now := s.Clock.Now()
	sp := n.space()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		row, err := loadArchive(tx, n)
		if err != nil {
			return err
		}
		tx.Delete(sp.named("archive", n.name))
		tx.Delete(sp.named("kept", row.ID))
		tx.Delete(sp.named("size", row.ID))
		tx.DeleteRange(sp.archivedOf(row.ID))
		of, _ := busOfARN(row.Bus)
		err = s.changeRuleTx(tx, ruleOfArchive(of, n.name), func(*ruleRow) (*ruleRow, error) { return nil, nil }, now)
		if errors.Is(err, errUnchanged) || fault.Is(err, "ResourceNotFoundException") {
			err = nil
		}
		return err
	})
	return &shapes.DeleteArchiveResponse{}, err
}

// counts are how many events an archive has, and their bytes.
func counts(r reader, sp space, id string) (events, bytes int64, err error) {
	for _, c := range []struct {
		kind string
		n    *int64
	}{{"kept", &events}, {"size", &bytes}} {
		b, err := r.Get(sp.named(c.kind, id))
		if err != nil {
			return 0, 0, err
		}
		if b == nil {
			continue
		}
		if *c.n, err = kv.Int64(b); err != nil {
			return 0, 0, err
		}
	}
	return events, bytes, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html
func (s *Service) describeArchive(ctx context.Context, in *shapes.DescribeArchiveRequest) (*shapes.DescribeArchiveResponse, error) {
	n := named(ctx, in.ArchiveName)
	var row archiveRow
	var events, bytes int64
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		if row, err = loadArchive(snap, n); err == nil {
			events, bytes, err = counts(snap, n.space(), row.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &shapes.DescribeArchiveResponse{
		ArchiveArn: ptr(n.other("archive")), ArchiveName: &n.name, EventSourceArn: &row.Bus, Description: given(row.Description), EventPattern: given(row.Pattern),
		State: ptr(enabled), RetentionDays: &row.Days, EventCount: &events, SizeBytes: &bytes, CreationTime: &row.Created,
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListArchives.html
func (s *Service) listArchives(ctx context.Context, in *shapes.ListArchivesRequest) (*shapes.ListArchivesResponse, error) {
	p, err := pageOf(in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	sp := bus{scope: awsapi.From(ctx).Scope}.space()
	out := &shapes.ListArchivesResponse{Archives: []shapes.Archive{}}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		out.NextToken, err = p.list(snap, sp.Subspace, sp.all("archive"), 1, value(in.NamePrefix), func(name string, kvs kv.Pair) (bool, error) {
			var row archiveRow
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &row); err != nil {
				return false, err
			}
			if in.EventSourceArn != nil && *in.EventSourceArn != row.Bus || in.State != nil && *in.State != enabled {
				return false, nil
			}
			events, bytes, err := counts(snap, sp, row.ID)
			out.Archives = append(out.Archives, shapes.Archive{
				ArchiveName: &name, EventSourceArn: &row.Bus, State: ptr(enabled), RetentionDays: &row.Days, EventCount: &events, SizeBytes: &bytes, CreationTime: &row.Created,
			})
			return true, err
		})
		return err
	})
	return out, err
}

// archiveOfARN reads the ARN of an archive.
func archiveOfARN(text string) (bus, bool) {
	a, err := arn.Parse(text)
	name, ok := strings.CutPrefix(a.Resource(), "archive/")
	return bus{a.Scope(), name}, err == nil && ok && a.Service() == "events"
}
