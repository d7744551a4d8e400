package events

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/keyspace"
)

// defaultBus is the bus that every account has in every region.
const defaultBus = "default"

// bus names a bus.
type bus struct {
	scope arn.Scope
	name  string
}

func (b bus) cell() keyspace.Cell {
	return keyspace.Cell{Account: b.scope.Account, Region: b.scope.Region}
}

func (b bus) space() space { return spaceOf(b.cell()) }

func (b bus) arn() string { return string(b.scope.Of("events", "event-bus/"+b.name)) }

// rule names a rule of a bus.
type rule struct {
	bus  bus
	name string
}

func (r rule) key() []byte { return r.bus.space().rule(r.bus.name, r.name) }

// arn of a rule of the default bus does not name the bus.
func (r rule) arn() string {
	if r.bus.name == defaultBus {
		return string(r.bus.scope.Of("events", "rule/"+r.name))
	}
	return string(r.bus.scope.Of("events", "rule/"+r.bus.name+"/"+r.name))
}

// scopeOf is the account and region of a cell.
func scopeOf(c keyspace.Cell) arn.Scope { return arn.In(c.Region, c.Account) }

const busPrefix = "event-bus/"

// busOf reads the name or the ARN of a bus; nil is the default one.
func busOf(ctx context.Context, text *string) (bus, error) {
	name := value(text)
	switch {
	case name == "":
		return bus{awsapi.From(ctx).Scope, defaultBus}, nil
	case !arn.Looks(name):
		return bus{awsapi.From(ctx).Scope, name}, nil
	}
	b, ok := busOfARN(name)
	if !ok {
		return bus{}, invalid("Parameter EventBusName is not valid. Reason: Provided Arn is not in correct format.")
	}
	return b, nil
}

// busOfARN reads the ARN of a bus.
func busOfARN(text string) (bus, bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service() != "events" {
		return bus{}, false
	}
	name, ok := strings.CutPrefix(a.Resource(), busPrefix)
	return bus{a.Scope(), name}, ok && name != ""
}

// ruleOfARN reads the ARN of a rule.
func ruleOfARN(text string) (rule, bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service() != "events" {
		return rule{}, false
	}
	rest, ok := strings.CutPrefix(a.Resource(), "rule/")
	if !ok || rest == "" {
		return rule{}, false
	}
	on, name, custom := strings.Cut(rest, "/")
	if !custom {
		on, name = defaultBus, rest
	}
	return rule{bus{a.Scope(), on}, name}, name != ""
}

// ruleOf is the rule that a request names.
func ruleOf(ctx context.Context, name, on *string) (rule, error) {
	b, err := busOf(ctx, on)
	return rule{b, value(name)}, err
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func ptr[T any](v T) *T { return &v }

// given is nil for nothing.
func given[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
