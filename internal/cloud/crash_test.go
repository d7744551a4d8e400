package cloud

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	iam "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/sigv4"
)

// TestPowerLoss lets the power of a whole cloud fail at a random moment under
// load, opens a cloud on the disk that is found, and holds it to what it
// promises: every acknowledged write is there, no write is half there, and
// every acknowledged event has had its effect once the cloud has settled.
//
// Mutations that it finds: commits acknowledged before they are on disk; an event
// that is emitted after its answer.
func TestPowerLoss(t *testing.T) {
	code := effectFunction(t)
	powerLoss{
		seeds: 20, stream: 0, most: 600,
		load:  func(o *outage) { o.prepare(code); o.load() },
		check: func(o *outage) { o.settle(); o.check(o.items()) },
	}.run(t)
}

func environ(t *testing.T, name string, def uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// effectFunction is the code of testdata/effect, as it is uploaded.
func effectFunction(t *testing.T) []byte {
	bin := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-o", bin, "./testdata/effect")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	text, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap"}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	writers   = 16
	crashTest = "crash" // the table, the role and the function
)

// progress is how many of each kind of request a writer has made. It makes one
// at a time and numbers each kind from 0.
type progress struct{ puts, transactions, events int }

func total(ps [writers]progress) (n int) {
	for _, p := range ps {
		n += p.puts + p.transactions + p.events
	}
	return n
}

// outage is one power loss.
type outage struct {
	*testing.T
	seed  uint64
	rng   *rand.Rand
	dir   string // of functions' code, which is on the operating system
	disk  *disktest.Mem
	cloud *Cloud
	http  *http.Client

	mu    sync.Mutex
	left  int               // acknowledgements until the power fails
	after *disktest.Mem     // the disk that is found then
	acked [writers]progress // until the power failed
	tried [writers]progress // acknowledged or not
}

func (o *outage) open(on *disktest.Mem) {
	o.Helper()
	var err error
	if o.cloud, err = Open(o.Context(), Options{Data: o.dir, FS: on.FS(), Isolation: sandbox.Off}); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(o.close)
}

func (o *outage) close() {
	o.Helper()
	if o.cloud == nil {
		return
	}
	o.http.CloseIdleConnections() // those that were never used would be waited for
	if err := o.cloud.Close(context.WithoutCancel(o.Context())); err != nil {
		o.Error(err)
	}
	o.cloud = nil
}

// prepare makes the table, and the function with a role that may write to it.
func (o *outage) prepare(code []byte) {
	o.Helper()
	o.must(o.dynamodb("CreateTable", `{"TableName":"crash","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`, nil))
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	role, err := awsapi.Do(root, front, iam.CreateRole, &iam.CreateRoleRequest{RoleName: ptr(crashTest), AssumeRolePolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	o.must(err)
	_, err = awsapi.Do(root, front, iam.PutRolePolicy, &iam.PutRolePolicyRequest{RoleName: ptr(crashTest), PolicyName: ptr("put"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*"}]}`)})
	o.must(err)
	_, err = awsapi.Do(root, front, lambda.CreateFunction, &lambda.CreateFunctionRequest{
		FunctionName: ptr(crashTest), Runtime: ptr("provided.al2023"), Handler: ptr("bootstrap"), Role: role.Role.Arn, Timeout: ptr(int32(60)),
		Code: &lambda.FunctionCode{ZipFile: code}, Environment: &lambda.Environment{Variables: map[string]string{"TABLE": crashTest}},
	})
	o.must(err)
}

func (o *outage) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// load writes until the power has failed.
func (o *outage) load() {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(o.seed, 1+uint64(w)))
			for o.write(w, rng.IntN(5)) {
			}
		})
	}
	wg.Wait()
}

// write makes one request and reports whether to go on.
func (o *outage) write(w, kind int) bool {
	tried, acked := &o.tried[w], &o.acked[w]
	var err error
	var count *int
	switch kind {
	case 0, 1:
		err = o.dynamodb("PutItem", fmt.Sprintf(`{"TableName":"crash","Item":{"id":{"S":"put-%d-%d"},"text":{"S":%q}}}`, w, tried.puts, payload(w, tried.puts)), nil)
		tried.puts, count = tried.puts+1, &acked.puts
	case 2, 3:
		err = o.dynamodb("TransactWriteItems", fmt.Sprintf(`{"TransactItems":[
			{"Put":{"TableName":"crash","Item":{"id":{"S":"left-%[1]d-%[2]d"}}}},
			{"Put":{"TableName":"crash","Item":{"id":{"S":"right-%[1]d-%[2]d"}}}},
			{"Update":{"TableName":"crash","Key":{"id":{"S":"count-%[1]d"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}]}`,
			w, tried.transactions), nil)
		tried.transactions, count = tried.transactions+1, &acked.transactions
	default:
		err = o.call("lambda", "/2015-03-31/functions/"+crashTest+"/invocations", http.Header{"X-Amz-Invocation-Type": {"Event"}}, fmt.Sprintf(`"event-%d-%d"`, w, tried.events), nil)
		tried.events, count = tried.events+1, &acked.events
	}
	if err != nil {
		o.Errorf("writer %d: %v", w, err)
		return false
	}
	return o.acknowledged(count)
}

// payload is long enough that a write spans blocks of the disk.
func payload(w, n int) string { return strings.Repeat(fmt.Sprintf("%d.%d ", w, n), 1+n%200) }

// acknowledged counts a request that was answered, lets the power fail when it
// is time, and reports whether there is power.
func (o *outage) acknowledged(count *int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.after != nil {
		return false
	}
	*count++
	if o.left--; o.left == 0 {
		o.after = o.disk.Crash(o.rng, o.rng.IntN(101))
	}
	return o.after == nil
}

// settle waits until the events are delivered.
func (o *outage) settle() {
	o.Helper()
	ctx, cancel := clock.Machine{}.WithTimeout(o.Context(), time.Minute)
	defer cancel()
	r, err := o.cloud.settler.Settle(ctx, 0, false)
	if err != nil || !r.Settled {
		o.Fatalf("not settled: %v, %+v", err, r)
	}
}

// item is an item of the table, as DynamoDB writes it.
type item struct {
	ID   struct{ S string }
	Text struct{ S string }
	N    struct{ N string }
}

// items reads the whole table.
func (o *outage) items() map[string]item {
	o.Helper()
	out := map[string]item{}
	for start := ""; ; {
		var page struct {
			Items            []item
			LastEvaluatedKey json.RawMessage
		}
		o.must(o.dynamodb("Scan", `{"TableName":"crash","ConsistentRead":true`+start+`}`, &page))
		for _, it := range page.Items {
			out[it.ID.S] = it
		}
		if page.LastEvaluatedKey == nil {
			return out
		}
		start = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
	}
}

// check compares the table with what was acknowledged.
func (o *outage) check(found map[string]item) {
	o.Helper()
	known := 0
	has := func(format string, args ...any) bool {
		_, ok := found[fmt.Sprintf(format, args...)]
		if ok {
			known++
		}
		return ok
	}
	for w := range writers {
		acked, tried := o.acked[w], o.tried[w]
		for n := range tried.puts {
			id := fmt.Sprintf("put-%d-%d", w, n)
			if !has("%s", id) {
				if n < acked.puts {
					o.Errorf("%s was acknowledged and is lost", id)
				}
			} else if found[id].Text.S != payload(w, n) {
				o.Errorf("%s is there in part", id)
			}
		}
		made := 0
		for n := range tried.transactions {
			left, right := has("left-%d-%d", w, n), has("right-%d-%d", w, n)
			switch {
			case left != right:
				o.Errorf("transaction %d of writer %d is half there", n, w)
			case left:
				made++
			case n < acked.transactions:
				o.Errorf("transaction %d of writer %d was acknowledged and is lost", n, w)
			}
		}
		if has("count-%d", w) != (made > 0) || made > 0 && found[fmt.Sprintf("count-%d", w)].N.N != strconv.Itoa(made) {
			o.Errorf("writer %d has %d transactions, and they counted %q", w, made, found[fmt.Sprintf("count-%d", w)].N.N)
		}
		for n := range tried.events {
			if !has("event-%d-%d", w, n) && n < acked.events {
				o.Errorf("event %d of writer %d was acknowledged and has had no effect", n, w)
			}
		}
	}
	if known != len(found) {
		o.Errorf("the table has %d items, of which %d were ever written", len(found), known)
	}
}

func (o *outage) dynamodb(operation, body string, out any) error {
	return o.call("dynamodb", "/", http.Header{"X-Amz-Target": {"DynamoDB_20120810." + operation}, "Content-Type": {"application/x-amz-json-1.0"}}, body, out)
}

// call sends a signed request to the cloud's endpoint.
func (o *outage) call(service, path string, header http.Header, body string, out any) error {
	req, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.cloud.Endpoint()+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	id, secret := o.cloud.RootKey()
	sigv4.Sign(&sigv4.Request{
		Method: req.Method, Host: req.URL.Host, Path: path, Header: header, ContentLength: int64(len(body)), Body: []byte(body),
		Service: service, Region: DefaultRegion,
	}, sigv4.Credentials{AccessKey: id, Secret: secret}, clock.Machine{}.Now())
	resp, err := o.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	return err
}
