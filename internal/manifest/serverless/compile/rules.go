package compile

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// oneInput reports an event that sets more than one of its ways to shape the input.
func (s *service) oneInput(e event) {
	n := 0
	for _, key := range []string{"input", "inputPath", "inputTransformer"} {
		if truthy(e.conf.Get(key)) {
			n++
		}
	}
	if n > 1 {
		s.errorf(e.pos, "an event takes one of input, inputPath and inputTransformer")
	}
}

// cloudwatchEvents compiles rules of the default event bus.
func (s *service) cloudwatchEvents() {
	for _, f := range s.functions {
		for i, e := range f.events("cloudwatchEvent") {
			s.oneInput(e)
			c := e.conf
			var input any
			if v := or(c.Get("input")); isMap(v) {
				input = json(v)
			} else if v != nil {
				input = v
			}
			var path any
			if p := str(c, "inputPath"); p != "" {
				path = strings.NewReplacer("\r", "", "\n", "").Replace(p)
			}
			id := fmt.Sprintf("%sEventsRuleCloudWatchEvent%d", normalize(f.key), i+1)
			s.resources.put(id, e.pos, obj{
				{"Type", "AWS::Events::Rule"},
				{"DependsOn", f.after()},
				{"Properties", obj{
					{"EventPattern", c.Get("event")},
					{"State", state(c)},
					{"Description", or(c.Get("description"))},
					{"Name", or(c.Get("name"))},
					{"Targets", []any{obj{
						{"Input", input},
						{"InputPath", path},
						{"InputTransformer", transformer(c.Get("inputTransformer"))},
						{"Arn", f.target()},
						{"Id", f.key + "CloudWatchEvent"},
					}}},
				}},
			})
			permission := fmt.Sprintf("%sLambdaPermissionEventsRuleCloudWatchEvent%d", normalize(f.key), i+1)
			s.invoke(permission, e, "events.amazonaws.com", getAtt(id, "Arn"))
		}
	}
}

// logEvents compiles the log groups that call functions.
func (s *service) logEvents() {
	perGroup := map[string]int{}
	for _, f := range s.functions {
		var groups []string
		for i, e := range f.events("cloudwatchLog") {
			clean := strings.NewReplacer("\r\n", "", "\n", "")
			group, filter := e.conf.Text, ""
			if isMap(e.conf) {
				group, filter = str(e.conf, "logGroup"), clean.Replace(str(e.conf, "filter"))
			}
			group = clean.Replace(group)
			if perGroup[group]++; perGroup[group] > 2 {
				s.errorf(e.pos, "a log group takes at most 2 subscriptions, and this is one more for %s", group)
			}
			groups = append(groups, group)
			permission := normalize(f.key) + "LambdaPermissionLogsSubscriptionFilterCloudWatchLog"
			after := []string{permission}
			if f.alias != nil {
				after = append(after, f.alias.id)
			}
			s.resources.put(fmt.Sprintf("%sLogsSubscriptionFilterCloudWatchLog%d", normalize(f.key), i+1), e.pos, obj{
				{"Type", "AWS::Logs::SubscriptionFilter"},
				{"DependsOn", after},
				{"Properties", obj{
					{"LogGroupName", group},
					{"FilterPattern", unescapeOnce(filter)},
					{"DestinationArn", f.target()},
				}},
			})
			s.invoke(permission, e, join("", "logs.", region(), ".amazonaws.com"),
				join("", "arn:", partition(), ":logs:", region(), ":", account(), ":log-group:", commonPrefix(groups), ":*"))
		}
	}
}

// unescapeOnce takes one level of backslashes off a filter whose first quote is escaped.
func unescapeOnce(s string) string {
	slash, quote := strings.IndexByte(s, '\\'), strings.IndexByte(s, '"')
	if slash < 0 || quote <= slash {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\'`, `'`).Replace(s)
}

// commonPrefix returns the pattern that all names match: their common beginning and a star.
func commonPrefix(names []string) string {
	prefix := names[0]
	for _, name := range names {
		n := 0
		for n < len(prefix) && n < len(name) && prefix[n] == name[n] {
			n++
		}
		prefix = prefix[:n]
	}
	if len(names) > 1 && !strings.HasSuffix(prefix, "*") {
		prefix += "*"
	}
	return prefix
}

// eventBridgeEvents compiles rules of any event bus. A bus named plainly is made.
func (s *service) eventBridgeEvents() {
	for _, e := range s.events("eventBridge") {
		s.oneInput(e)
		s.eventBridge(e)
	}
}

// shorten keeps names under the 64 characters that EventBridge allows, by a digest of the whole.
func shorten(name, suffix string) string {
	if len(name) <= 64 {
		return name
	}
	sum := md5.Sum([]byte(name))
	return name[:31-len(suffix)] + hex.EncodeToString(sum[:]) + "-" + suffix
}

func (s *service) eventBridge(e event) {
	c, n := e.conf, e.index+1
	suffix := fmt.Sprintf("rule-%d", n)
	stub := e.fn.name + "-" + suffix
	name := str(c, "name")
	if name == "" {
		name = shorten(stub, suffix)
	}
	bus := or(c.Get("eventBus"))
	made := ""
	if isText(bus) {
		existing := strings.HasPrefix(bus.Text, "arn")
		if existing {
			bus = template.New(bus.Pos, bus.Text[strings.IndexByte(bus.Text, '/')+1:])
		}
		switch {
		case bus.Text == "default":
			bus = nil
		case !existing:
			made = normalize(bus.Text) + "EventBridgeEventBus"
			s.resources.put(made, e.pos, obj{
				{"Type", "AWS::Events::EventBus"},
				{"Properties", obj{{"Name", bus}}},
			})
		}
	} else if fn, arg, ok := bus.Call(); ok && fn == "Fn::GetAtt" && (len(arg.Items) != 2 || arg.Items[1].Text != "Name") {
		s.errorf(e.pos, "of an event bus, Fn::GetAtt may take Name only: it is part of the rule's ARN")
	}
	target := obj{{"Arn", e.fn.target()}, {"Id", shorten(name+"-target", "target")}}
	if p := or(c.Get("retryPolicy")); p != nil {
		target = append(target, obj{{"RetryPolicy", obj{
			{"MaximumEventAgeInSeconds", set(p.Get("maximumEventAge"))},
			{"MaximumRetryAttempts", set(p.Get("maximumRetryAttempts"))},
		}}}...)
	}
	if q := or(c.Get("deadLetterQueueArn")); q != nil {
		target = add(target, "DeadLetterConfig", obj{{"Arn", q}})
	}
	switch {
	case truthy(c.Get("input")):
		target = add(target, "Input", json(c.Get("input")))
	case truthy(c.Get("inputPath")):
		target = add(target, "InputPath", c.Get("inputPath"))
	default:
		target = add(target, "InputTransformer", transformer(c.Get("inputTransformer")))
	}
	var after []string
	if e.fn.alias != nil {
		after = append(after, e.fn.alias.id)
	}
	if made != "" {
		after = append(after, made)
	}
	var dependsOn any
	if after != nil {
		dependsOn = after
	}
	s.resources.put(alphanumeric(stub)+"EventBridgeRule", e.pos, obj{
		{"Type", "AWS::Events::Rule"},
		{"DependsOn", dependsOn},
		{"Properties", obj{
			{"Description", set(c.Get("description"))},
			{"EventBusName", bus},
			{"EventPattern", set(c.Get("pattern"))},
			{"Name", name},
			{"ScheduleExpression", set(c.Get("schedule"))},
			{"State", state(c)},
			{"Targets", []any{target}},
		}},
	})
	path := []any{"rule"}
	if bus != nil {
		path = append(path, bus)
	}
	path = append(path, name)
	s.invoke(fmt.Sprintf("%sEventBridgeLambdaPermission%d", normalize(e.fn.key), n), e, "events.amazonaws.com",
		join(":", "arn", partition(), "events", region(), account(), join("/", path...)))
}
