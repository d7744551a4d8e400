package resource

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// queue is AWS::SQS::Queue. Ref is its URL.
type queue struct{ base }

// queueName is the name of the queue that a request is about: of one that there is
// the end of its URL. The name that a FIFO queue is given by CloudFormation ends as
// SQS wants it.
func queueName(r stack.Request) string {
	if i := strings.LastIndexByte(r.PhysicalID, '/'); i >= 0 {
		return r.PhysicalID[i+1:]
	}
	if has(r.Properties, "FifoQueue") && r.Properties.Get("QueueName") == nil {
		return r.PhysicalID + ".fifo"
	}
	return r.PhysicalID
}

// queueAttributes are the properties that are attributes, with what they are when
// the template does not say.
func queueAttributes() [][2]string {
	return [][2]string{
		{"ContentBasedDeduplication", "false"}, {"DeduplicationScope", "queue"}, {"DelaySeconds", "0"}, {"FifoThroughputLimit", "perQueue"},
		{"KmsDataKeyReusePeriodSeconds", "300"}, {"KmsMasterKeyId", ""}, {"MaximumMessageSize", "1048576"}, {"MessageRetentionPeriod", "345600"},
		{"ReceiveMessageWaitTimeSeconds", "0"}, {"RedriveAllowPolicy", ""}, {"RedrivePolicy", ""}, {"SqsManagedSseEnabled", "true"}, {"VisibilityTimeout", "30"},
	}
}

// queueAttribute is a property as an attribute.
func queueAttribute(v *template.Value) string {
	if v.IsScalar() {
		return v.Text
	}
	return document(v)
}

func (q queue) progress(r stack.Request, url string) stack.Progress {
	r.PhysicalID = url
	name := queueName(r)
	return stack.Progress{PhysicalID: url, Attrs: stack.Attrs{"Arn": r.Stack.Scope.Of("sqs", name).String(), "QueueName": name, "QueueUrl": url}}
}

func (q queue) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := queueName(r)
	if !r.Again {
		// Creating a queue that exists succeeds, and would take it over.
		out, err := do(ctx, q.base, sqs.GetQueueAttributes, &sqs.GetQueueAttributesRequest{QueueUrl: &name, AttributeNames: []string{"QueueArn"}})
		if err == nil && len(out.Attributes) > 0 {
			return stack.Progress{}, fmt.Errorf("the queue %s already exists", name)
		}
		if err != nil && !absent(err) {
			return stack.Progress{}, err
		}
	}
	in := &sqs.CreateQueueRequest{QueueName: &name, Tags: tagMap(r.Properties), Attributes: map[string]string{}}
	if has(r.Properties, "FifoQueue") {
		in.Attributes["FifoQueue"] = "true"
	}
	for _, a := range queueAttributes() {
		if v := r.Properties.Get(a[0]); v != nil {
			in.Attributes[a[0]] = queueAttribute(v)
		}
	}
	out, err := do(ctx, q.base, sqs.CreateQueue, in)
	if err != nil {
		return stack.Progress{}, err
	}
	return q.progress(r, val(out.QueueUrl)), nil
}

func (q queue) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := q.progress(r, r.PhysicalID)
	set := map[string]string{}
	for _, a := range queueAttributes() {
		if same(r.Old, r.Properties, a[0]) {
			continue
		}
		set[a[0]] = a[1]
		if v := r.Properties.Get(a[0]); v != nil {
			set[a[0]] = queueAttribute(v)
		}
	}
	if set["KmsMasterKeyId"] != "" {
		delete(set, "SqsManagedSseEnabled") // one of them
	}
	if len(set) > 0 {
		if err := run(ctx, q.base, sqs.SetQueueAttributes, &sqs.SetQueueAttributesRequest{QueueUrl: &r.PhysicalID, Attributes: set}); err != nil {
			return done, err
		}
	}
	tags, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, q.base, sqs.UntagQueue, &sqs.UntagQueueRequest{QueueUrl: &r.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(tags) > 0 {
		return done, run(ctx, q.base, sqs.TagQueue, &sqs.TagQueueRequest{QueueUrl: &r.PhysicalID, Tags: tags})
	}
	return done, nil
}

func (q queue) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, q.base, sqs.DeleteQueue, &sqs.DeleteQueueRequest{QueueUrl: ptr(queueName(r))}))
}

func (q queue) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, q.base, sqs.GetQueueUrl, &sqs.GetQueueUrlRequest{QueueName: ptr(queueName(r))})
	if err != nil {
		return nil, found(err)
	}
	return q.progress(r, val(out.QueueUrl)).Attrs, nil
}
