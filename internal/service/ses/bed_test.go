package ses

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the service's answers into the scripts, and the golden files")

const (
	testAccount = "123456789012"
	testRegion  = "eu-west-1"
)

var here = keyspace.Cell{Account: testAccount, Region: testRegion}

// began is when the test clock begins.
const began = clock.Instant(1_795_301_973_000_000_000)

// bed is the service with its delivery, behind a front that lets everybody do
// everything.
type bed struct {
	t        testing.TB
	front    *awsapi.Front
	s        *Service
	db       *kv.DB
	model    *clock.Model
	delivery *delivery.Delivery
	settler  *work.Settler
	ctx      context.Context
	topics   *topics
	mailed   []string
	stop     func()
}

// Mailed implements [Meter].
func (b *bed) Mailed(_ context.Context, identity arn.ARN, recipients int) {
	b.mailed = append(b.mailed, fmt.Sprint(identity.Resource(), " ", recipients))
}

func newBed(t testing.TB, o Options) *bed {
	t.Helper()
	b := makeBed(t, o, kv.Open(memkv.New()), began)
	t.Cleanup(b.stop)
	return b
}

// makeBed makes a bed over a store, at an instant. Its stop closes the store.
func makeBed(t testing.TB, o Options, db *kv.DB, now clock.Instant) *bed {
	t.Helper()
	b := &bed{t: t, db: db, model: clock.NewModel(clock.State{Stopped: true, At: now})}
	ledger := work.NewLedger()
	owner := &timer.Owner{DB: b.db}
	timers := timer.New(timer.Options{DB: b.db, Owner: owner, Model: b.model, Ledger: ledger})
	b.delivery = delivery.New(delivery.Options{DB: b.db, Owner: owner, Timers: timers, Model: b.model, Ledger: ledger})
	o.DB, o.Clock, o.Emit, o.Meter = b.db, b.model, b.delivery, b
	if o.Endpoint == "" {
		o.Endpoint = "http://127.0.0.1:4566"
	}
	b.s = New(o)
	b.topics = &topics{}
	b.delivery.Receive(b.topics)
	for _, r := range b.s.Receivers() {
		b.delivery.Receive(r)
	}
	b.settler = &work.Settler{Ledger: ledger, DB: b.db, Clock: b.model, Backlogs: []work.Backlog{timers, b.delivery}}
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{b.s.API(), b.s.APIv2()}, Account: testAccount, Region: testRegion, Model: b.model, Enforcement: awsapi.Off,
	})
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{ID: "request", Scope: arn.In(testRegion, testAccount), Actor: awsapi.RootOf(testAccount)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	for _, run := range []func(context.Context){timers.Run, b.delivery.Run} {
		go func() { run(ctx); done <- struct{}{} }()
	}
	b.stop = func() {
		stop()
		<-done
		<-done
		if err := b.db.Close(); err != nil {
			t.Error(err)
		}
	}
	return b
}

// settle waits until everything is delivered that can be now.
func (b *bed) settle() {
	b.t.Helper()
	if _, err := b.settler.Settle(b.ctx, 0, false); err != nil {
		b.t.Fatal(err)
	}
}

// emit sends effects.
func (b *bed) emit(es ...delivery.Effect) {
	b.t.Helper()
	_, err := b.db.Update(b.ctx, func(tx *kv.Tx) error { return b.delivery.Emit(tx, es...) })
	if err != nil {
		b.t.Fatal(err)
	}
}

// mails is what is in the mailbox.
func (b *bed) mails(q Query) []Mail {
	b.t.Helper()
	list, err := b.s.Mails(b.ctx, here, q)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// try makes a request as it looks on the wire: "v1.SendEmail" and JSON. The
// answer is JSON too; an error is "Code: message".
func (b *bed) try(operation, request string) string {
	b.t.Helper()
	set, name, _ := strings.Cut(operation, ".")
	s := map[string]*awsapi.Service{"v1": b.s.API(), "v2": b.s.APIv2()}[set]
	if s == nil || s.Model.Op(name) == nil || !s.Model.Op(name).Declared {
		b.t.Fatalf("no operation %s", operation)
	}
	op := s.Model.Op(name)
	in := op.NewInput()
	if op.Input != schema.None {
		// The members of a path are part of the JSON here.
		if err := wire.DecodeJSON(anywhereInBody(s.Model), op.Input, []byte(request), in); err != nil {
			b.t.Fatalf("%s %s: %v", operation, request, err)
		}
	}
	out, err := b.front.Call(b.ctx, s.Model, op, in)
	if err != nil {
		e, ok := fault.As(err)
		if !ok {
			b.t.Fatalf("%s %s: an error without a code: %v", operation, request, err)
		}
		return e.Code + ": " + e.Message
	}
	if op.Output == schema.None {
		return "{}"
	}
	return string(wire.AppendJSON(nil, s.Model, op.Output, out))
}

// anywhereInBody is a model whose members all stand in the body.
func anywhereInBody(m *schema.Model) *schema.Model {
	out := *m
	shapes := slices.Clone(m.Shapes.All())
	for i, s := range shapes {
		s.Members = append([]schema.Member(nil), s.Members...)
		for j := range s.Members {
			s.Members[j].In = 0
			s.Members[j].Wire = s.Members[j].Name
		}
		shapes[i] = s
	}
	out.Shapes = schema.NewTable(shapes)
	return &out
}

// do makes a request that must succeed, and decodes the answer into out.
func (b *bed) do(operation, request string, out any) {
	b.t.Helper()
	answer := b.try(operation, request)
	if !strings.HasPrefix(answer, "{") {
		b.t.Fatalf("%s %s: %s", operation, request, answer)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			b.t.Fatal(err)
		}
	}
}

// The files of testdata/scripts are requests, each followed by its answer. "mail"
// is followed by what came since the last one, "clock 1h" moves the clock. Ids
// are numbered in the order in which they appear. A script that begins with
// "verified" runs where senders are checked.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(data))
			if got == string(data) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, have := strings.Split(string(data), "\n"), strings.Split(got, "\n")
			for i := range max(len(want), len(have)) {
				if w, h := at(want, i), at(have, i); w != h {
					t.Errorf("line %d\n got %s\nwant %s", i+1, h, w)
				}
			}
		})
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func runScript(t *testing.T, text string) string {
	id := regexp.MustCompile(`0100[0-9a-f]{12}(-[0-9a-f]+){5}-000000`)
	secret := regexp.MustCompile(`[a-z2-7]{32,}`)
	next := regexp.MustCompile(`"NextToken":"([^"]*)"`)
	ids, token, seen := map[string]string{}, "", 0
	b := newBed(t, Options{Verify: strings.HasPrefix(text, "verified\n")})
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		out = append(out, line)
		word, rest, _ := strings.Cut(line, " ")
		var answers []string
		switch word {
		case "", "#", "verified":
		case "clock":
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.model.Set(b.model.Now().Add(d)); err != nil {
				t.Fatal(err)
			}
		case "mail":
			list := b.mails(Query{})
			for ; seen < len(list); seen++ {
				answers = append(answers, b.shown(&list[seen])...)
			}
		default:
			answer := b.try(word, strings.ReplaceAll(rest, "$next", token))
			if m := next.FindStringSubmatch(answer); m != nil {
				token = m[1]
			}
			answers = []string{next.ReplaceAllString(answer, `"NextToken":"…"`)}
		}
		for _, a := range answers {
			a = id.ReplaceAllStringFunc(a, func(s string) string {
				if ids[s] == "" {
					ids[s] = fmt.Sprint("#", len(ids)+1)
				}
				return ids[s]
			})
			a = strings.NewReplacer("\r", "", "\n", "\n\t").Replace(a)
			out = append(out, "\t"+secret.ReplaceAllString(a, "(secret)"))
		}
	}
	return strings.Join(out, "\n") + "\n"
}

// shown is a mail as scripts show it.
func (b *bed) shown(m *Mail) []string {
	_, raw, err := b.s.Mail(b.ctx, here, m.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := email.Read(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	var to []string
	for _, r := range m.Recipients {
		s := r.Address
		if r.State != Kept {
			s += " (" + string(r.State) + ")"
		}
		to = append(to, s)
	}
	out := []string{fmt.Sprintf("%s from %s by %s to %s: %s", m.ID, m.From, m.Sender, strings.Join(to, ", "), m.Subject)}
	for _, f := range []struct{ name, value string }{
		{"template", m.Template}, {"set", m.Set}, {"unverified", strings.Join(m.Unverified, ", ")}, {"failure", m.Failure},
		{"to", strings.Join(r.To, ", ")}, {"cc", strings.Join(r.Cc, ", ")}, {"reply to", strings.Join(r.ReplyTo, ", ")}, {"id", r.ID},
	} {
		if f.value != "" {
			out = append(out, "  "+f.name+": "+f.value)
		}
	}
	if len(m.Tags) > 0 {
		out = append(out, fmt.Sprint("  tags: ", m.Tags))
	}
	for _, part := range []string{r.Text, r.HTML} {
		for line := range strings.SplitSeq(strings.TrimRight(part, "\n"), "\n") {
			if part != "" {
				out = append(out, "  | "+line)
			}
		}
	}
	for _, f := range r.Files {
		out = append(out, fmt.Sprintf("  file %s %s %d bytes", f.Name, f.Type, len(f.Data)))
	}
	return out
}
