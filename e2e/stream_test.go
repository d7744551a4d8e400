package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestStream follows users through the stream of their table, in three
// languages: a new one gets a welcome e-mail and a record for analytics, another
// status reaches the subscribers of the topic once they have confirmed, and one
// that is deleted leaves a record.
//
// sam-cli#219, #7252, serverless-offline#451: no streams, and nothing chained.
//
// Mutations that it finds: a stream that nobody reads, a subscription that gets
// mail before it is confirmed, records without images, a settle that does not
// wait.
func TestStream(t *testing.T) {
	for name, dir := range languages(t) {
		t.Run(name, func(t *testing.T) {
			c := start(t, "memory", "up", dir)
			const admin = "admin@company.com"
			// What follows takes a while: who does not wait for it sees nothing of it.
			if out, code := c.nube("fault", "add", "latency", "300ms", "--function", "dynamoDbProcessor"); code != 0 {
				t.Fatal(out)
			}

			id := want(t, c.create("Ada", "ada@example.com"), http.StatusCreated).object(t)["id"].(string)
			c.settle()
			if got := c.subjects(t, "ada@example.com"); !slices.Equal(got, []string{"Welcome, Ada"}) {
				t.Errorf("mail to the new user: %q", got)
			}
			c.tracked(t, map[string]string{id: "UserRegistered"})

			status := func(s string) {
				t.Helper()
				want(t, c.send(http.MethodPut, "/users/"+id, fmt.Sprintf(`{"name":"Ada","email":"ada@example.com","status":%q}`, s)), http.StatusOK)
				c.settle()
			}
			status("inactive")
			if got := c.subjects(t, admin); len(got) != 1 || !strings.Contains(got[0], "Subscription Confirmation") {
				t.Errorf("mail to a subscriber who has not confirmed: %q", got)
			}
			out, code := c.nube("mail", "links", "--to", admin)
			if code != 0 {
				t.Fatalf("nube mail links: %s", out)
			}
			if r, err := http.Get(strings.TrimSpace(strings.Split(out, "\n")[0])); err != nil || r.StatusCode != http.StatusOK {
				t.Fatalf("the link of the confirmation: %v %v", r, err)
			}
			c.settle()
			status("active")
			if got := c.subjects(t, admin); !slices.Contains(got, "User "+id+" is active") || slices.Contains(got, "User "+id+" is inactive") {
				t.Errorf("mail to the subscriber: %q", got)
			}

			want(t, c.send(http.MethodDelete, "/users/"+id, ""), http.StatusNoContent)
			c.settle()
			c.tracked(t, map[string]string{id: "UserDeleted,UserRegistered"})
			c.stop()
		})
	}
}

// TestStreamSurvives kills nube in a burst of writes, again and again: every
// user that was acknowledged has a record, one and no more, and at least one
// welcome.
//
// Mutation that it finds: the checkpoint of a batch committed before its call.
func TestStreamSurvives(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	created := map[string]bool{}
	const lives = 4
	for life := range lives {
		c := start(t, data, "up", "../examples/shop", "--watch=false")
		var mu sync.Mutex
		var wg sync.WaitGroup
		enough := make(chan struct{})
		acknowledged := 0
		for w := range 8 {
			wg.Go(func() {
				for n := 0; ; n++ {
					r, err := c.try(http.MethodPost, "/users", fmt.Sprintf(`{"name":"U","email":"u%d-%d-%d@example.com"}`, life, w, n))
					if err != nil {
						return // killed
					}
					if r.status != http.StatusCreated {
						continue // killed while it answered
					}
					var user struct{ ID string }
					if json.Unmarshal([]byte(r.body), &user) != nil {
						return
					}
					mu.Lock()
					created[user.ID] = true
					if acknowledged++; acknowledged == 50+10*life {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		c.kill()
		wg.Wait()
	}
	c := start(t, data, "up", "../examples/shop", "--watch=false")
	c.settle()
	tracked := c.analytics(t)
	for id := range created {
		if got := tracked[id]; got != "UserRegistered" {
			t.Errorf("acknowledged user %s has the records %q", id, got)
		}
	}
	out, code := c.nube("mail", "--output", "json")
	if code != 0 {
		t.Fatal(out)
	}
	welcomes := strings.Count(out, "Welcome, U")
	if welcomes < len(created) {
		t.Errorf("%d welcomes for %d users", welcomes, len(created))
	}
	t.Logf("%d users were acknowledged, %d have records, %d welcomes, %d lives", len(created), len(tracked), welcomes, lives)
	c.stop()
}

// subjects are those of the mails to an address, the oldest first.
func (c *cloud) subjects(t *testing.T, to string) (out []string) {
	t.Helper()
	for _, m := range c.mails(t) {
		for _, r := range m.Recipients {
			if r.Address == to {
				out = append(out, m.Subject)
			}
		}
	}
	return out
}

// tracked checks the records of users: their types, sorted.
func (c *cloud) tracked(t *testing.T, want map[string]string) {
	t.Helper()
	got := c.analytics(t)
	for id, types := range want {
		if got[id] != types {
			t.Errorf("records of %s: %q, want %q", id, got[id], types)
		}
	}
}

// analytics are the types of the records of each user, sorted.
func (c *cloud) analytics(t *testing.T) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	kinds := map[string][]string{}
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(c.config()), &dynamodb.ScanInput{TableName: aws.String("analytics-dev")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			user, kind := item["userId"].(*types.AttributeValueMemberS).Value, item["type"].(*types.AttributeValueMemberS).Value
			kinds[user] = append(kinds[user], kind)
		}
	}
	out := map[string]string{}
	for user, ks := range kinds {
		slices.Sort(ks)
		out[user] = strings.Join(ks, ",")
	}
	return out
}
