package cloud

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	iam "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
)

// TestStreamPowerLoss lets the power fail while writers change items of a table
// with a stream that a function reads. On the disk that is found, once the cloud
// has settled, the function has seen every change that was made, those of an item
// in their order; what it has seen again it saw after the power failed.
//
// Mutations that it finds: the checkpoint of a batch committed before its call;
// commits acknowledged before they are on disk.
func TestStreamPowerLoss(t *testing.T) {
	code := effectFunction(t)
	powerLoss{
		seeds: 6, stream: 7, most: 600,
		load:  func(o *outage) { o.prepare(code); o.stream(); o.change() },
		check: func(o *outage) { o.settle(); o.checkMirror() },
	}.run(t)
}

// stream makes the table with the stream, and has the function read it.
func (o *outage) stream() {
	o.Helper()
	var made struct {
		TableDescription struct{ LatestStreamArn string }
	}
	o.must(o.dynamodb("CreateTable", `{"TableName":"streamed","BillingMode":"PAY_PER_REQUEST","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"},
		"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`, &made))
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	_, err := awsapi.Do(root, front, iam.PutRolePolicy, &iam.PutRolePolicyRequest{RoleName: ptr(crashTest), PolicyName: ptr("stream"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:UpdateItem","Resource":"*"},
			{"Effect":"Allow","Action":["dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams"],"Resource":"` +
			made.TableDescription.LatestStreamArn + `"}]}`)})
	o.must(err)
	_, err = awsapi.Do(root, front, lambda.CreateEventSourceMapping, &lambda.CreateEventSourceMappingRequest{
		FunctionName: ptr(crashTest), EventSourceArn: &made.TableDescription.LatestStreamArn, StartingPosition: ptr("TRIM_HORIZON"),
		BatchSize: ptr(int32(1 + o.rng.IntN(50))), ParallelizationFactor: ptr(int32(1 + o.rng.IntN(4))),
	})
	o.must(err)
}

// change has each writer number an item of its own until the power has failed.
func (o *outage) change() {
	o.Helper()
	o.each(func(w, n int) error {
		return o.dynamodb("PutItem", fmt.Sprintf(`{"TableName":"streamed","Item":{"id":{"S":"%d"},"n":{"N":"%d"}}}`, w, n), nil)
	})
}

// checkMirror compares what the function has seen with what was written.
func (o *outage) checkMirror() {
	o.Helper()
	for w := range writers {
		var item, mirror struct {
			Item struct {
				N    struct{ N string }
				Seen struct{ L []struct{ N string } }
			}
		}
		o.must(o.dynamodb("GetItem", fmt.Sprintf(`{"TableName":"streamed","Key":{"id":{"S":"%d"}}}`, w), &item))
		o.must(o.dynamodb("GetItem", fmt.Sprintf(`{"TableName":"crash","Key":{"id":{"S":"mirror-%d"}}}`, w), &mirror))
		written := 0 // how many of its numbers are there
		if last := item.Item.N.N; last != "" {
			n, err := strconv.Atoi(last)
			o.must(err)
			written = n + 1
		}
		if written < o.acked[w].events {
			o.Errorf("writer %d: %d changes were acknowledged, %d are there", w, o.acked[w].events, written)
		}
		var seen, firsts []int
		for _, s := range mirror.Item.Seen.L {
			n, err := strconv.Atoi(s.N)
			o.must(err)
			seen = append(seen, n)
			if !slices.Contains(firsts, n) {
				firsts = append(firsts, n)
			}
		}
		if len(firsts) != written || !slices.IsSorted(firsts) {
			o.Errorf("writer %d made %d changes; the function has seen %v", w, written, seen)
		}
	}
}
