package ses

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// account is the row of the account's settings.
type account struct {
	Paused bool `json:",omitempty"`
	// Suppress are the reasons for which addresses are suppressed, where somebody
	// said which; nil means all.
	Suppress *[]string `json:",omitempty"`
}

// reasons are the reasons for which mail is not sent: of the configuration set,
// or else of the account.
func (a *account) reasons(c *configSet) []string {
	switch {
	case c != nil && c.Suppression != nil:
		return c.Suppression.SuppressedReasons
	case a.Suppress != nil:
		return *a.Suppress
	}
	return []string{"BOUNCE", "COMPLAINT"}
}

func (s *Service) registerAccount() {
	awsapi.Handle(s.v1, v1.GetSendQuota, anywhere[*schema.Empty](1, "GetSendQuota"), old(s.getSendQuota))
	awsapi.Handle(s.v1, v1.GetSendStatistics, anywhere[*schema.Empty](1, "GetSendStatistics"), old(s.getSendStatistics))
	awsapi.Handle(s.v1, v1.GetAccountSendingEnabled, anywhere[*schema.Empty](1, "GetAccountSendingEnabled"), old(func(ctx context.Context, _ *schema.Empty) (*v1.GetAccountSendingEnabledResponse, error) {
		a, err := s.viewAccount(ctx)
		return &v1.GetAccountSendingEnabledResponse{Enabled: ptr(!a.Paused)}, err
	}))
	awsapi.Handle(s.v1, v1.UpdateAccountSendingEnabled, anywhere[*v1.UpdateAccountSendingEnabledRequest](1, "UpdateAccountSendingEnabled"), old(func(ctx context.Context, in *v1.UpdateAccountSendingEnabledRequest) (*schema.Empty, error) {
		return &schema.Empty{}, s.pause(ctx, !val(in.Enabled))
	}))
	awsapi.Handle(s.v2, v2.GetAccount, anywhere[*v2.GetAccountRequest](2, "GetAccount"), recent(s.getAccount))
	awsapi.Handle(s.v2, v2.PutAccountSendingAttributes, anywhere[*v2.PutAccountSendingAttributesRequest](2, "PutAccountSendingAttributes"), recent(func(ctx context.Context, in *v2.PutAccountSendingAttributesRequest) (*v2.PutAccountSendingAttributesResponse, error) {
		return &v2.PutAccountSendingAttributesResponse{}, s.pause(ctx, !val(in.SendingEnabled))
	}))
	awsapi.Handle(s.v2, v2.PutAccountSuppressionAttributes, anywhere[*v2.PutAccountSuppressionAttributesRequest](2, "PutAccountSuppressionAttributes"), recent(func(ctx context.Context, in *v2.PutAccountSuppressionAttributesRequest) (*v2.PutAccountSuppressionAttributesResponse, error) {
		reasons := append([]string{}, in.SuppressedReasons...)
		return &v2.PutAccountSuppressionAttributesResponse{}, s.changeAccount(ctx, func(a *account) { a.Suppress = &reasons })
	}))
	s.registerTags()
	s.registerSuppression()
}

func (s *Service) pause(ctx context.Context, paused bool) error {
	return s.changeAccount(ctx, func(a *account) { a.Paused = paused })
}

func (s *Service) changeAccount(ctx context.Context, change func(*account)) error {
	k := spaceOf(cell(ctx)).account()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var a account
		if _, err := jsonrow.Get(tx, k, &a); err != nil {
			return err
		}
		change(&a)
		return jsonrow.Set(tx, k, &a)
	})
	return err
}

func (s *Service) viewAccount(ctx context.Context) (a account, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		_, err := jsonrow.Get(snap, spaceOf(cell(ctx)).account(), &a)
		return err
	})
	return a, err
}

// Quotas as the API shows them: none for a day, which AWS writes -1, and AWS's
// own default rate, which nobody holds senders to.
//
// https://docs.aws.amazon.com/ses/latest/APIReference/API_GetSendQuota.html
const (
	quotaPerDay    = -1
	quotaPerSecond = 14
)

func (s *Service) getSendQuota(ctx context.Context, _ *schema.Empty) (*v1.GetSendQuotaResponse, error) {
	sent, err := s.sentLastDay(ctx)
	return &v1.GetSendQuotaResponse{Max24HourSend: ptr(float64(quotaPerDay)), MaxSendRate: ptr(float64(quotaPerSecond)), SentLast24Hours: &sent}, err
}

func (s *Service) getAccount(ctx context.Context, _ *v2.GetAccountRequest) (*v2.GetAccountResponse, error) {
	a, err := s.viewAccount(ctx)
	if err != nil {
		return nil, err
	}
	sent, err := s.sentLastDay(ctx)
	return &v2.GetAccountResponse{
		DedicatedIpAutoWarmupEnabled: ptr(false), EnforcementStatus: ptr("HEALTHY"), ProductionAccessEnabled: ptr(true), SendingEnabled: ptr(!a.Paused),
		SendQuota:             &v2.SendQuota{Max24HourSend: ptr(float64(quotaPerDay)), MaxSendRate: ptr(float64(quotaPerSecond)), SentLast24Hours: &sent},
		SuppressionAttributes: &v2.SuppressionAttributes{SuppressedReasons: a.reasons(nil)},
	}, err
}

// counted is what happened in fifteen minutes.
type counted struct {
	at    clock.Instant
	count map[string]int64
}

// counts reads the statistics since an instant, the earliest first.
func (s *Service) counts(ctx context.Context, since clock.Instant) (out []counted, err error) {
	sp := spaceOf(cell(ctx))
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		out = nil
		for p, err := range snap.Scan(sp.countsSince(since), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			at, what := clock.Unix(d.Int(), 0), d.Str()
			if err := d.Done(); err != nil {
				return err
			}
			n, err := kv.Int64(p.Value)
			if err != nil {
				return err
			}
			if len(out) == 0 || out[len(out)-1].at != at {
				out = append(out, counted{at, map[string]int64{}})
			}
			out[len(out)-1].count[what] = n
		}
		return nil
	})
	return out, err
}

func (s *Service) sentLastDay(ctx context.Context) (sent float64, err error) {
	all, err := s.counts(ctx, s.Clock.Now().Add(-24*time.Hour))
	for _, c := range all {
		sent += float64(c.count[attempts])
	}
	return sent, err
}

// statisticsFor is how far GetSendStatistics looks back.
const statisticsFor = 14 * 24 * time.Hour

func (s *Service) getSendStatistics(ctx context.Context, _ *schema.Empty) (*v1.GetSendStatisticsResponse, error) {
	all, err := s.counts(ctx, s.Clock.Now().Add(-statisticsFor))
	out := &v1.GetSendStatisticsResponse{SendDataPoints: []v1.SendDataPoint{}}
	for _, c := range all {
		out.SendDataPoints = append(out.SendDataPoints, v1.SendDataPoint{
			Timestamp: &c.at, DeliveryAttempts: ptr(c.count[attempts]), Bounces: ptr(c.count[bounces]), Complaints: ptr(int64(0)), Rejects: ptr(c.count[rejects]),
		})
	}
	return out, err
}
