package ses

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// suppressed is the row of an address on the account's suppression list: mail to
// it is accepted and not sent.
//
// https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
type suppressed struct {
	Reason string // BOUNCE or COMPLAINT
	At     clock.Instant
}

func (s *Service) registerSuppression() {
	awsapi.Handle(s.v2, v2.PutSuppressedDestination, anywhere[*v2.PutSuppressedDestinationRequest](2, "PutSuppressedDestination"), recent(s.suppress))
	awsapi.Handle(s.v2, v2.GetSuppressedDestination, anywhere[*v2.GetSuppressedDestinationRequest](2, "GetSuppressedDestination"), recent(s.getSuppressed))
	awsapi.Handle(s.v2, v2.DeleteSuppressedDestination, anywhere[*v2.DeleteSuppressedDestinationRequest](2, "DeleteSuppressedDestination"), recent(s.unsuppress))
	awsapi.Handle(s.v2, v2.ListSuppressedDestinations, anywhere[*v2.ListSuppressedDestinationsRequest](2, "ListSuppressedDestinations"), recent(s.listSuppressed))
}

func notSuppressed(address string) *fault.Error {
	return fault.New(noIdentityCode, "Email address %s does not exist on your suppression list.", address)
}

func (s *Service) suppress(ctx context.Context, in *v2.PutSuppressedDestinationRequest) (*v2.PutSuppressedDestinationResponse, error) {
	address := val(in.EmailAddress)
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	row := suppressed{Reason: val(in.Reason), At: s.Clock.Now()}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		return jsonrow.Set(tx, spaceOf(cell(ctx)).suppressed(strings.ToLower(address)), &row)
	})
	return &v2.PutSuppressedDestinationResponse{}, err
}

func (s *Service) getSuppressed(ctx context.Context, in *v2.GetSuppressedDestinationRequest) (*v2.GetSuppressedDestinationResponse, error) {
	var row suppressed
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, spaceOf(cell(ctx)).suppressed(strings.ToLower(val(in.EmailAddress))), &row)
		if err == nil && !ok {
			err = notSuppressed(val(in.EmailAddress))
		}
		return err
	})
	return &v2.GetSuppressedDestinationResponse{SuppressedDestination: &v2.SuppressedDestination{
		EmailAddress: in.EmailAddress, Reason: &row.Reason, LastUpdateTime: &row.At,
	}}, err
}

func (s *Service) unsuppress(ctx context.Context, in *v2.DeleteSuppressedDestinationRequest) (*v2.DeleteSuppressedDestinationResponse, error) {
	k := spaceOf(cell(ctx)).suppressed(strings.ToLower(val(in.EmailAddress)))
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		have, err := tx.Get(k)
		if err == nil && have == nil {
			err = notSuppressed(val(in.EmailAddress))
		}
		tx.Delete(k)
		return err
	})
	return &v2.DeleteSuppressedDestinationResponse{}, err
}

func (s *Service) listSuppressed(ctx context.Context, in *v2.ListSuppressedDestinationsRequest) (*v2.ListSuppressedDestinationsResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v2.ListSuppressedDestinationsResponse{SuppressedDestinationSummaries: []v2.SuppressedDestinationSummary{}}
	l := list[suppressed]{rows: sp.suppressions(), key: sp.suppressed, limit: limitOf(in.PageSize, 1000, 1000), want: func(_ string, row *suppressed) bool {
		return (len(in.Reasons) == 0 || slices.Contains(in.Reasons, row.Reason)) &&
			(in.StartDate == nil || row.At >= *in.StartDate) && (in.EndDate == nil || row.At <= *in.EndDate)
	}}
	var err error
	out.NextToken, err = l.page(ctx, s, in.NextToken, func(address string, row *suppressed) {
		out.SuppressedDestinationSummaries = append(out.SuppressedDestinationSummaries, v2.SuppressedDestinationSummary{
			EmailAddress: &address, Reason: &row.Reason, LastUpdateTime: &row.At,
		})
	})
	return out, err
}
