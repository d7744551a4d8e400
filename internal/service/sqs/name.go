package sqs

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
)

// name is a queue.
type name struct {
	scope arn.Scope
	queue string
}

func (n name) cell() keyspace.Cell {
	return keyspace.Cell{Account: n.scope.Account, Region: n.scope.Region}
}

func (n name) arn() arn.ARN { return n.scope.Of("sqs", n.queue) }

func (n name) fifo() bool { return strings.HasSuffix(n.queue, fifoSuffix) }

const fifoSuffix = ".fifo"

// queueOf reads the URL of a queue: what counts are the account and the name at its
// end, whatever host the client knows the cloud by. A name alone is a queue of the
// caller's.
func queueOf(ctx context.Context, queueURL *string) (name, error) {
	text := value(queueURL)
	if text == "" {
		return name{}, missing("QueueUrl")
	}
	if _, rest, ok := strings.Cut(text, "://"); ok {
		_, text, _ = strings.Cut(rest, "/")
	}
	text = strings.Trim(text, "/")
	scope := awsapi.From(ctx).Scope
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		account := text[strings.LastIndexByte(text[:i], '/')+1 : i]
		scope, text = arn.Scope{Partition: scope.Partition, Region: scope.Region, Account: account}, text[i+1:]
	}
	if text == "" || checkName(text) != nil {
		return name{}, noQueue()
	}
	return name{scope, text}, nil
}

// queueByARN reads the ARN of a queue.
func queueByARN(text string) (name, bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service() != "sqs" || checkName(a.Resource()) != nil {
		return name{}, false
	}
	return name{a.Scope(), a.Resource()}, true
}

// url is where a queue is addressed, by the host that the caller knows.
func (s *Service) url(ctx context.Context, n name) *string {
	base := s.Endpoint
	if c := awsapi.From(ctx); c.Host != "" {
		base = "http://" + c.Host
		if c.TLS {
			base = "https://" + c.Host
		}
	}
	u := strings.TrimSuffix(base, "/") + "/" + n.scope.Account + "/" + n.queue
	return &u
}

// pathQueue gives a request of the query protocol that is sent to a queue's URL the
// parameter that names it.
func pathQueue(r *http.Request, form url.Values) {
	if form.Get("QueueUrl") == "" && strings.Count(r.URL.Path, "/") >= 2 {
		form.Set("QueueUrl", r.URL.Path)
	}
}

// checkName checks a queue's name.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
func checkName(text string) *fault.Error {
	base := strings.TrimSuffix(text, fifoSuffix)
	if base == "" || len(text) > 80 || strings.Trim(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
