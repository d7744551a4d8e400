package ssm

import (
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// Timers are set for the policies of parameters. It is a *timer.Timers.
type Timers interface {
	Set(tx *kv.Tx, t timer.T) error
	Handle(kind string, fire timer.Fire)
}

// Options says what the service needs.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Timers Timers
	// Caller calls KMS and Secrets Manager with the rights of who calls.
	Caller awsapi.Caller
	// Events is told of every change, in its transaction; nil is nobody.
	Events func(tx *kv.Tx, c Change) error
}

// Service is the Parameter Store.
type Service struct {
	Options
	api *awsapi.Service
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	awsapi.Handle(s.api, shapes.PutParameter, s.accessPut, s.putParameter)
	awsapi.Handle(s.api, shapes.GetParameter, s.accessGet, s.getParameter)
	awsapi.Handle(s.api, shapes.GetParameters, s.accessGetAll, s.getParameters)
	awsapi.Handle(s.api, shapes.GetParametersByPath, s.accessByPath, s.getParametersByPath)
	awsapi.Handle(s.api, shapes.GetParameterHistory, on(s, "GetParameterHistory", func(in *shapes.GetParameterHistoryRequest) *string { return in.Name }), s.getParameterHistory)
	awsapi.Handle(s.api, shapes.DescribeParameters, nil, s.describeParameters)
	awsapi.Handle(s.api, shapes.DeleteParameter, on(s, "DeleteParameter", func(in *shapes.DeleteParameterRequest) *string { return in.Name }), s.deleteParameter)
	awsapi.Handle(s.api, shapes.DeleteParameters, s.accessDeleteAll, s.deleteParameters)
	awsapi.Handle(s.api, shapes.LabelParameterVersion, on(s, "LabelParameterVersion", func(in *shapes.LabelParameterVersionRequest) *string { return in.Name }), s.labelParameterVersion)
	awsapi.Handle(s.api, shapes.UnlabelParameterVersion, on(s, "UnlabelParameterVersion", func(in *shapes.UnlabelParameterVersionRequest) *string { return in.Name }), s.unlabelParameterVersion)
	awsapi.Handle(s.api, shapes.AddTagsToResource, s.accessTag, s.addTags)
	awsapi.Handle(s.api, shapes.RemoveTagsFromResource, s.accessUntag, s.removeTags)
	awsapi.Handle(s.api, shapes.ListTagsForResource, on(s, "ListTagsForResource", func(in *shapes.ListTagsForResourceRequest) *string { return in.ResourceId }), s.listTags)
	o.Timers.Handle(timerExpire, s.fireExpire)
	o.Timers.Handle(timerExpiring, s.fireNotice)
	o.Timers.Handle(timerUnchanged, s.fireNotice)
	s.api.NotOffered("there are no managed instances here, nor anything else of Systems Manager but its Parameter Store", s.others()...)
	return s
}

// others are the operations that are not the Parameter Store's.
func (s *Service) others() (names []string) {
	for i := range shapes.Model.Ops {
		if op := &shapes.Model.Ops[i]; !op.Declared {
			names = append(names, op.Name)
		}
	}
	return names
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func yes(p *bool) bool { return p != nil && *p }

func ptr[T any](v T) *T { return &v }

func maybe(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
