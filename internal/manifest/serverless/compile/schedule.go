package compile

import (
	"fmt"

	"github.com/nube-run/nube/internal/template"
)

// scheduleEvents compiles schedules: rules of the default event bus, or schedules of EventBridge Scheduler.
func (s *service) scheduleEvents() {
	var targets []any
	pos := s.pos
	for _, f := range s.functions {
		n, scheduler := 0, false
		for _, e := range f.events("schedule") {
			expressions := []*template.Value{e.conf}
			if isMap(e.conf) {
				expressions = e.conf.Get("rate").Items
				s.checkSchedule(e, len(expressions))
			}
			for _, expression := range expressions {
				n++
				if str(e.conf, "method") == "scheduler" {
					scheduler, pos = true, e.pos
					s.schedule(e, n, expression)
				} else {
					s.scheduleRule(e, n, expression)
				}
			}
		}
		if scheduler {
			arn := "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + f.name
			targets = append(targets, sub(arn), sub(arn+":*"))
		}
	}
	if len(targets) > 0 && s.role != nil {
		s.role.services = append(s.role.services, "scheduler.amazonaws.com")
		s.role.allow(pos, "Allow", []string{"lambda:InvokeFunction"}, targets)
	}
}

// checkSchedule reports keys that do not go together.
func (s *service) checkSchedule(e event, expressions int) {
	c := e.conf
	if name := c.Get("name"); expressions > 1 && truthy(name) {
		s.errorf(name.Pos, "a schedule with more than one rate cannot have a name")
	}
	scheduler := str(c, "method") == "scheduler"
	refuse := func(method, other string, keys ...string) {
		for _, key := range keys {
			if v := c.Get(key); truthy(v) {
				s.report(template.Errorf(v.Pos, "%s does not work with method %q", key, method).WithHint("set method: %s", other))
			}
		}
	}
	if scheduler {
		refuse("scheduler", "eventBus", "inputPath", "inputTransformer")
	} else {
		refuse("eventBus", "scheduler", "timezone", "groupName")
	}
}

// state returns the state of a rule or schedule.
func state(c *template.Value) string {
	if isFalse(c.Get("enabled")) {
		return "DISABLED"
	}
	return "ENABLED"
}

// scheduleInput returns the text that a schedule sends. A map with the only key body sends its decoded text.
func scheduleInput(c *template.Value) any {
	v := or(c.Get("input"))
	if !isMap(v) {
		return v
	}
	if body := v.Get("body"); isText(body) {
		f := &template.File{Name: "input.body", Text: []byte(body.Text)}
		if decoded, ds := template.ReadJSON(f); !ds.HasErrors() {
			v = v.With("body", decoded)
		}
	}
	return json(v)
}

func transformer(v *template.Value) any {
	if !truthy(v) {
		return nil
	}
	return obj{{"InputTemplate", v.Get("inputTemplate")}, {"InputPathsMap", or(v.Get("inputPathsMap"))}}
}

func (s *service) scheduleRule(e event, n int, expression *template.Value) {
	id := fmt.Sprintf("%sEventsRuleSchedule%d", normalize(e.fn.key), n)
	s.resources.put(id, e.pos, obj{
		{"Type", "AWS::Events::Rule"},
		{"DependsOn", e.fn.after()},
		{"Properties", obj{
			{"ScheduleExpression", expression},
			{"State", state(e.conf)},
			{"Name", or(e.conf.Get("name"))},
			{"Description", or(e.conf.Get("description"))},
			{"Targets", []any{obj{
				{"Input", scheduleInput(e.conf)},
				{"InputPath", or(e.conf.Get("inputPath"))},
				{"InputTransformer", transformer(e.conf.Get("inputTransformer"))},
				{"Arn", e.fn.target()},
				{"Id", e.fn.key + "Schedule"},
			}}},
		}},
	})
	s.invoke(fmt.Sprintf("%sLambdaPermissionEventsRuleSchedule%d", normalize(e.fn.key), n), e, "events.amazonaws.com", getAtt(id, "Arn"))
}

func (s *service) schedule(e event, n int, expression *template.Value) {
	var role any = getAtt(roleID, "Arn")
	if r := s.resources.at[e.fn.id]; r != nil {
		role = r.body.Get("Properties", "Role")
	}
	if own := or(e.conf.Get("roleArn")); own != nil {
		role = own
	}
	s.resources.put(fmt.Sprintf("%sSchedulerSchedule%d", normalize(e.fn.key), n), e.pos, obj{
		{"Type", "AWS::Scheduler::Schedule"},
		{"DependsOn", e.fn.after()},
		{"Properties", obj{
			{"ScheduleExpression", expression},
			{"State", state(e.conf)},
			{"Target", obj{{"Arn", e.fn.target()}, {"RoleArn", role}, {"Input", scheduleInput(e.conf)}}},
			{"FlexibleTimeWindow", obj{{"Mode", "OFF"}}},
			{"Name", or(e.conf.Get("name"))},
			{"GroupName", or(e.conf.Get("groupName"))},
			{"Description", or(e.conf.Get("description"))},
			{"ScheduleExpressionTimezone", or(e.conf.Get("timezone"))},
		}},
	})
}
