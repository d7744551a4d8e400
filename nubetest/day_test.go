package nubetest

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDay simulates a day of an application shaped like the shop, under random
// faults: users are created, changed, deleted and expire; what their table's
// stream says goes through a function to a topic, and from there to a function,
// by mail and over HTTP; work is invoked asynchronously; some of both can never
// succeed. Calls are slow, fail before or after they were served, are throttled
// and break; functions fail, are throttled and killed; effects and batches come
// twice and out of order. When the day is over it holds the cloud to what it
// promises. Each promise has a change of the cloud that makes it fail:
//
//	acknowledged writes  a write that the client was told of is in the stream, and the table is what the
//	                     stream's last record says: dynamodb appends no record of a delete
//	order                the function sees the changes of a key in their order: sources hands a batch over
//	                     backwards
//	stream               a change that the function has not seen is a dead letter, and no dead letter is of
//	                     more than that: sources takes a batch that failed for done; sources does not tell
//	                     of what it gives up
//	topic                what the first function has published the second has seen, or it is a dead letter;
//	                     and it was mailed, and posted: lambda has no destination for what it gives up; sns
//	                     passes over an address now and then
//	async                work that was accepted was done or is a dead letter: delivery takes what failed
//	                     for done
//	poison               what cannot succeed is a dead letter, and what comes after it goes on: sources
//	                     tries a batch without end
//	time to live         what has expired is gone, not before its time, and the function was told: dynamodb
//	                     evicts nothing; dynamodb appends no record of what it evicts
//
// Seeds are printed as names of subtests. NUBE_SEEDS sets how many are run, and
// NUBE_SEED the first.
func TestDay(t *testing.T) {
	first, seeds := environ(t, "NUBE_SEED", 1), environ(t, "NUBE_SEEDS", 8)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			d := &day{T: t, rng: rand.New(rand.NewPCG(uint64(seed), 9)), posted: map[string]int{}, numbers: map[string]int{}, puts: map[string][]int{}}
			d.begin()
			for range hours {
				d.hour()
			}
			d.end()
			d.check()
		})
	}
}

func environ(t *testing.T, name string, def int) int {
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	v, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

const (
	hours   = 12
	clients = 4 // each with users of its own
	actions = 6 // of a client in an hour
)

// day is one simulated day.
type day struct {
	*testing.T
	rng    *rand.Rand
	cloud  *Cloud
	lanes  int
	active []*Active

	stream  string
	last    map[string]string // sequence number that was read last, of each shard
	changes []change          // what the stream says, in its order

	mu      sync.Mutex
	posted  map[string]int   // messages that the endpoint got
	numbers map[string]int   // of each user's last change
	puts    map[string][]int // of each user that were acknowledged
	worked  []string         // work that was accepted
}

// change is a record of the stream.
type change struct {
	user, what string // "PUT 3" or "REM 3"
	number     int
	sequence   string
	at         time.Time
	expires    time.Time // when it may be removed; zero: never
	expired    bool      // it was removed for that
	poison     bool
}

func (c *change) String() string { return c.user + " " + c.what }

func (d *day) begin() {
	hook := httptest.NewServer(http.HandlerFunc(d.hook))
	d.Cleanup(hook.Close)
	d.lanes = 1 + d.rng.IntN(2)
	d.cloud = Start(d, Dir("testdata/day"), At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)), Isolation("off"),
		Param("lanes", strconv.Itoa(d.lanes)), Param("hook", hook.URL))
	d.cloud.Settle(d)
	confirmed := false
	for _, m := range d.cloud.Mail(d) {
		if link := regexp.MustCompile(`https?://\S*ConfirmSubscription\S*`).FindString(m.Text); link != "" {
			get(d, "GET", link, "", 200)
			confirmed = true
		}
	}
	if !confirmed {
		d.Fatal("nobody was asked to confirm the subscription by mail")
	}
	var streams struct{ Streams []struct{ StreamArn string } }
	d.aws("DynamoDBStreams_20120810.ListStreams", `{"TableName":"users"}`, &streams)
	d.stream, d.last = streams.Streams[0].StreamArn, map[string]string{}
}

// hook is the endpoint that the topic posts to. It fails the first time that it
// gets every third message.
func (d *day) hook(w http.ResponseWriter, r *http.Request) {
	var m struct{ Type, Message, MessageID, SubscribeURL string }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if m.Type == "SubscriptionConfirmation" {
		if resp, err := http.Get(m.SubscribeURL); err == nil {
			resp.Body.Close()
		}
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.posted[m.MessageID]++; m.MessageID[len(m.MessageID)-1]%3 == 0 && d.posted[m.MessageID] == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	d.posted[m.Message]++
}

// hour has the clients do what they do in an hour, under other faults than in the
// one before.
func (d *day) hour() {
	d.Helper()
	for _, a := range d.active {
		a.Remove()
	}
	d.active = nil
	for range d.rng.IntN(4) {
		d.active = append(d.active, d.cloud.Fault(d, d.fault()))
	}
	var wg sync.WaitGroup
	for c := range clients {
		rng := rand.New(rand.NewPCG(d.rng.Uint64(), 0))
		wg.Go(func() {
			for range actions {
				d.act(c, rng)
			}
		})
	}
	wg.Wait()
	d.cloud.Clock().Advance(d, time.Duration(30+d.rng.IntN(60))*time.Minute)
	d.read()
}

// fault is a random fault, of anything but the function that collects the dead
// letters.
func (d *day) fault() Fault {
	function := []string{"api", "processor", "notifier", "worker"}[d.rng.IntN(4)]
	service := []string{"dynamodb", "sns", "lambda"}[d.rng.IntN(3)]
	f := Fault{Seed: d.rng.Uint64(), Probability: 0.1 + d.rng.Float64()/2, Count: 1 + d.rng.IntN(12)}
	switch d.rng.IntN(10) {
	case 0:
		f.Kind, f.Service, f.Function, f.Wait, f.Jitter = Latency, service, function, time.Millisecond, 5*time.Millisecond
	case 1:
		f.Kind, f.Service, f.Function, f.Code, f.After = Error, service, function, "InternalServerError", d.rng.IntN(2) == 0
	case 2:
		f.Kind, f.Service, f.Function = Throttle, service, function
	case 3:
		f.Kind, f.Service, f.Function, f.After = Lost, service, function, d.rng.IntN(2) == 0
	case 4:
		f.Kind, f.Service, f.After = Lost, Gateway, d.rng.IntN(2) == 0
	case 5:
		f.Kind, f.Function, f.Wait = Kill, function, time.Duration(d.rng.IntN(3))*time.Millisecond
	case 6:
		f.Kind, f.Function, f.Code = Error, function, "Injected"
	case 7:
		f.Kind, f.Function = Throttle, function
	case 8:
		f.Kind = Duplicate
	default:
		f.Kind, f.Wait = Reorder, time.Minute
	}
	return f
}

// act is one request of a client.
func (d *day) act(client int, rng *rand.Rand) {
	user := fmt.Sprintf("user-%d-%d", client, rng.IntN(3))
	d.mu.Lock()
	d.numbers[user]++
	n := d.numbers[user]
	d.mu.Unlock()
	q := url.Values{"n": {strconv.Itoa(n)}}
	switch k := rng.IntN(10); {
	case k < 5:
		if k == 0 && rng.IntN(2) == 0 {
			q.Set("note", "poison")
		}
		if d.request("PUT", "/users/"+user+"?"+q.Encode()) {
			d.mu.Lock()
			d.puts[user] = append(d.puts[user], n)
			d.mu.Unlock()
		}
	case k < 6:
		d.request("DELETE", "/users/"+user)
	case k < 7:
		user = fmt.Sprintf("guest-%d-%d-%d", client, n, rng.IntN(1000))
		q.Set("expires", strconv.FormatInt(d.cloud.Clock().Now().Add(time.Duration(rng.IntN(3*3600))*time.Second).Unix(), 10))
		if d.request("PUT", "/users/"+user+"?"+q.Encode()) {
			d.mu.Lock()
			d.puts[user] = append(d.puts[user], n)
			d.mu.Unlock()
		}
	default:
		id := fmt.Sprintf("work-%s-%d", user, n)
		if rng.IntN(6) == 0 {
			id += "-poison"
		}
		if d.request("POST", "/work/"+id) {
			d.mu.Lock()
			d.worked = append(d.worked, id)
			d.mu.Unlock()
		}
	}
}

// request makes one request, once, and reports whether it was acknowledged.
func (d *day) request(method, path string) bool {
	req, err := http.NewRequestWithContext(d.Context(), method, d.cloud.Gateway()+path, nil)
	if err != nil {
		d.Error(err)
		return false
	}
	req.Close = true // or net/http makes a request again whose connection broke
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == 200
}

// end lets all go well again, and everything be tried for as long as it is
// tried: events of functions six hours.
func (d *day) end() {
	d.Helper()
	for _, a := range d.active {
		a.Remove()
	}
	for range 8 {
		d.cloud.Clock().Advance(d, time.Hour)
		d.read()
	}
	d.cloud.Settle(d)
}

// read reads on in the stream.
func (d *day) read() {
	d.Helper()
	type image struct {
		N       struct{ N string }
		Note    struct{ S string }
		Expires struct{ N string }
	}
	var described struct {
		StreamDescription struct{ Shards []struct{ ShardID string } }
	}
	d.aws("DynamoDBStreams_20120810.DescribeStream", fmt.Sprintf(`{"StreamArn":%q}`, d.stream), &described)
	for _, shard := range described.StreamDescription.Shards { // parents come first
		from := fmt.Sprintf(`{"StreamArn":%q,"ShardId":%q,"ShardIteratorType":"TRIM_HORIZON"}`, d.stream, shard.ShardID)
		if last := d.last[shard.ShardID]; last != "" {
			from = fmt.Sprintf(`{"StreamArn":%q,"ShardId":%q,"ShardIteratorType":"AFTER_SEQUENCE_NUMBER","SequenceNumber":%q}`, d.stream, shard.ShardID, last)
		}
		var at struct{ ShardIterator string }
		d.aws("DynamoDBStreams_20120810.GetShardIterator", from, &at)
		var got struct {
			Records []struct {
				EventName    string
				UserIdentity *struct{ PrincipalID string }
				Dynamodb     struct {
					ApproximateCreationDateTime float64
					Keys                        struct{ ID struct{ S string } }
					NewImage, OldImage          *image
					SequenceNumber              string
				}
			}
		}
		d.aws("DynamoDBStreams_20120810.GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, at.ShardIterator), &got)
		for _, r := range got.Records {
			what, img := "PUT ", r.Dynamodb.NewImage
			if r.EventName == "REMOVE" {
				what, img = "REM ", r.Dynamodb.OldImage
			}
			n, err := strconv.Atoi(img.N.N)
			if err != nil {
				d.Fatal(err)
			}
			c := change{
				user: r.Dynamodb.Keys.ID.S, what: what + img.N.N, number: n, sequence: r.Dynamodb.SequenceNumber, expired: r.UserIdentity != nil,
				at: time.Unix(int64(r.Dynamodb.ApproximateCreationDateTime), 0), poison: strings.Contains(img.Note.S, "poison") && r.EventName != "REMOVE",
			}
			if img.Expires.N != "" {
				at, err := strconv.ParseInt(img.Expires.N, 10, 64)
				if err != nil {
					d.Fatal(err)
				}
				c.expires = time.Unix(at, 0)
			}
			d.changes, d.last[shard.ShardID] = append(d.changes, c), c.sequence
		}
	}
}

// ledger is what the functions have written: the lists of what was seen of each
// user, and the sets of what was told, done and given up.
func (d *day) ledger() (seen map[string][]string, told, worked, dead []string) {
	d.Helper()
	seen = map[string][]string{}
	var page struct {
		Items []struct {
			ID   struct{ S string }
			What struct {
				SS []string
				L  []struct{ S string }
			}
		}
		LastEvaluatedKey any
	}
	d.aws("DynamoDB_20120810.Scan", `{"TableName":"ledger"}`, &page)
	if page.LastEvaluatedKey != nil {
		d.Fatal("the ledger is longer than a page")
	}
	for _, it := range page.Items {
		switch id := it.ID.S; id {
		case "told":
			told = it.What.SS
		case "worked":
			worked = it.What.SS
		case "dead":
			dead = it.What.SS
		default:
			for _, v := range it.What.L {
				seen[strings.TrimPrefix(id, "seen ")] = append(seen[strings.TrimPrefix(id, "seen ")], v.S)
			}
		}
	}
	return seen, told, worked, dead
}

// aws calls an operation as the account's root, whom faults spare.
func (d *day) aws(target, body string, out any) {
	d.Helper()
	d.cloud.aws(d, target, body, out)
}

// letters are the dead letters: ranges of the stream, messages that a function
// did not take, and work.
type letters struct {
	ranges  [][2]string
	records int // in the ranges
	events  map[string]bool
}

func (d *day) letters(dead []string) letters {
	d.Helper()
	l := letters{events: map[string]bool{}}
	for _, text := range dead {
		var doc struct {
			DDBStreamBatchInfo *struct {
				StartSequenceNumber, EndSequenceNumber string
				BatchSize                              int
			}
			RequestPayload json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			d.Errorf("a dead letter is %q: %v", text, err)
			continue
		}
		if b := doc.DDBStreamBatchInfo; b != nil {
			l.ranges = append(l.ranges, [2]string{b.StartSequenceNumber, b.EndSequenceNumber})
			l.records += b.BatchSize
			continue
		}
		var work string
		var e struct {
			Records []struct{ Sns struct{ Message string } }
		}
		if json.Unmarshal(doc.RequestPayload, &work) == nil {
			l.events[work] = true
		} else if err := json.Unmarshal(doc.RequestPayload, &e); err != nil || len(e.Records) != 1 {
			d.Errorf("a dead letter is of %s", doc.RequestPayload)
		} else {
			l.events[e.Records[0].Sns.Message] = true
		}
	}
	return l
}

// has reports whether a change is in a range that was given up. Sequence numbers
// are of one length.
func (l *letters) has(c *change) bool {
	return slices.ContainsFunc(l.ranges, func(r [2]string) bool { return r[0] <= c.sequence && c.sequence <= r[1] })
}

// check compares what was done with what was promised.
func (d *day) check() {
	d.Helper()
	seen, told, worked, dead := d.ledger()
	letters := d.letters(dead)
	d.Logf("%d changes, %d acknowledged pieces of work, %d dead letters, %d lanes", len(d.changes), len(d.worked), len(dead), d.lanes)
	d.checkWrites()
	d.checkStream(seen, &letters)
	mailed := d.mailed()
	for _, list := range seen {
		for _, event := range list {
			switch was := slices.Contains(told, event); {
			case !was && !letters.events[event]:
				d.Errorf("topic: %s was published, and is neither told nor a dead letter", event)
			case was && strings.HasSuffix(event, "7"):
				d.Errorf("poison: %s was told", event)
			}
			if !mailed[event] {
				d.Errorf("topic: %s was not mailed", event)
			}
			if d.posted[event] == 0 {
				d.Errorf("topic: %s was not posted", event)
			}
		}
	}
	for _, id := range d.worked {
		done, poison := slices.Contains(worked, id), strings.Contains(id, "poison")
		switch {
		case !done && !letters.events[id]:
			d.Errorf("async: %s was accepted, and is neither done nor a dead letter", id)
		case done && poison:
			d.Errorf("poison: %s was done", id)
		}
	}
}

// checkWrites compares the stream with what clients were told, and the table
// with the stream.
func (d *day) checkWrites() {
	d.Helper()
	last := map[string]*change{}
	written := map[string][]int{}
	for i := range d.changes {
		c := &d.changes[i]
		if was := last[c.user]; was != nil && c.number < was.number {
			d.Errorf("order: the stream has %s after %s", c, was)
		}
		last[c.user] = c
		if strings.HasPrefix(c.what, "PUT") {
			written[c.user] = append(written[c.user], c.number)
		}
		if c.expired && c.at.Before(c.expires) {
			d.Errorf("time to live: %s was removed at %v, before %v", c, c.at, c.expires)
		}
	}
	for user, puts := range d.puts {
		for _, n := range puts {
			if !slices.Contains(written[user], n) {
				d.Errorf("acknowledged writes: %s PUT %d is not in the stream", user, n)
			}
		}
	}
	var table struct {
		Items []struct {
			ID      struct{ S string }
			N       struct{ N string }
			Expires struct{ N string }
		}
	}
	d.aws("DynamoDB_20120810.Scan", `{"TableName":"users","ConsistentRead":true}`, &table)
	there := map[string]string{}
	for _, it := range table.Items {
		there[it.ID.S] = "PUT " + it.N.N
		if it.Expires.N != "" {
			d.Errorf("time to live: %s is still there", it.ID.S)
		}
	}
	for user, c := range last {
		if removed := strings.HasPrefix(c.what, "REM"); there[user] != c.what && !removed || there[user] != "" && removed {
			d.Errorf("acknowledged writes: the table has %s %q, and the last of the stream is %s", user, there[user], c)
		}
	}
}

// checkStream compares what the function has seen with what the stream says.
func (d *day) checkStream(seen map[string][]string, letters *letters) {
	d.Helper()
	byUser := map[string][]string{}
	given := 0
	for i := range d.changes {
		c := &d.changes[i]
		was, dead := slices.Contains(seen[c.user], c.String()), letters.has(c)
		if dead {
			given++
		}
		switch {
		case !was && !dead:
			d.Errorf("stream: %s was neither seen nor is it a dead letter", c)
		case was && c.poison:
			d.Errorf("poison: %s was seen", c)
		}
		if was {
			byUser[c.user] = append(byUser[c.user], c.String())
		}
	}
	if d.lanes == 1 && given != letters.records {
		d.Errorf("stream: the dead letters are of %d records, and say of %d", given, letters.records)
	}
	for user, list := range seen {
		var firsts []string
		for _, s := range list {
			if !slices.Contains(firsts, s) {
				firsts = append(firsts, s)
			}
		}
		if !slices.Equal(firsts, byUser[user]) {
			d.Errorf("order: of %s was seen %q, and the stream says %q", user, firsts, byUser[user])
		}
	}
}

// mailed is what mails of the topic say.
func (d *day) mailed() map[string]bool {
	d.Helper()
	out := map[string]bool{}
	for _, m := range d.cloud.Mail(d) {
		line, _, _ := strings.Cut(m.Text, "\n")
		out[strings.TrimSpace(line)] = true
	}
	return out
}
