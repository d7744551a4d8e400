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
				{Key: "Type", Value: "AWS::Events::Rule"},
				{Key: "DependsOn", Value: f.after()},
				{Key: "Properties", Value: obj{
					{Key: "EventPattern", Value: c.Get("event")},
					{Key: "State", Value: state(c)},
					{Key: "Description", Value: or(c.Get("description"))},
					{Key: "Name", Value: or(c.Get("name"))},
					{Key: "Targets", Value: []any{obj{
						{Key: "Input", Value: input},
						{Key: "InputPath", Value: path},
						{Key: "InputTransformer", Value: transformer(c.Get("inputTransformer"))},
						{Key: "Arn", Value: f.target()},
						{Key: "Id", Value: f.key + "CloudWatchEvent"},
					}}},
				}},
			})
			s.invoke(fmt.Sprintf("%sLambdaPermissionEventsRuleCloudWatchEvent%d", normalize(f.key), i+1), e, "events.amazonaws.com", getAtt(id, "Arn"))
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
				{Key: "Type", Value: "AWS::Logs::SubscriptionFilter"},
				{Key: "DependsOn", Value: after},
				{Key: "Properties", Value: obj{
					{Key: "LogGroupName", Value: group},
					{Key: "FilterPattern", Value: unescapeOnce(filter)},
					{Key: "DestinationArn", Value: f.target()},
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
		switch {
		case bus.Text == "default":
			bus = nil
		case strings.HasPrefix(bus.Text, "arn"):
			bus = template.New(bus.Pos, bus.Text[strings.IndexByte(bus.Text, '/')+1:])
		default:
			made = normalize(bus.Text) + "EventBridgeEventBus"
			s.resources.put(made, e.pos, obj{
				{Key: "Type", Value: "AWS::Events::EventBus"},
				{Key: "Properties", Value: obj{{Key: "Name", Value: bus}}},
			})
		}
	}
	target := obj{{Key: "Arn", Value: e.fn.target()}, {Key: "Id", Value: shorten(name+"-target", "target")}}
	if p := or(c.Get("retryPolicy")); p != nil {
		target = append(target, obj{{Key: "RetryPolicy", Value: obj{
			{Key: "MaximumEventAgeInSeconds", Value: set(p.Get("maximumEventAge"))},
			{Key: "MaximumRetryAttempts", Value: set(p.Get("maximumRetryAttempts"))},
		}}}...)
	}
	if q := or(c.Get("deadLetterQueueArn")); q != nil {
		target = append(target, obj{{Key: "DeadLetterConfig", Value: obj{{Key: "Arn", Value: q}}}}...)
	}
	switch {
	case truthy(c.Get("input")):
		target = append(target, obj{{Key: "Input", Value: json(c.Get("input"))}}...)
	case truthy(c.Get("inputPath")):
		target = append(target, obj{{Key: "InputPath", Value: c.Get("inputPath")}}...)
	default:
		target = append(target, obj{{Key: "InputTransformer", Value: transformer(c.Get("inputTransformer"))}}...)
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
		{Key: "Type", Value: "AWS::Events::Rule"},
		{Key: "DependsOn", Value: dependsOn},
		{Key: "Properties", Value: obj{
			{Key: "Description", Value: set(c.Get("description"))},
			{Key: "EventBusName", Value: bus},
			{Key: "EventPattern", Value: set(c.Get("pattern"))},
			{Key: "Name", Value: name},
			{Key: "ScheduleExpression", Value: set(c.Get("schedule"))},
			{Key: "State", Value: state(c)},
			{Key: "Targets", Value: []any{target}},
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
