package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// invokeConfig compiles how often an asynchronous call of a function is repeated, and where its outcome goes.
func (s *service) invokeConfig(f *function) {
	destinations := or(f.conf.Get("destinations"))
	age, attempts := or(f.conf.Get("maximumEventAge")), set(f.conf.Get("maximumRetryAttempts"))
	if destinations == nil && age == nil && attempts == nil {
		return
	}
	after := []string{}
	if f.alias != nil {
		after = append(after, f.alias.id)
	}
	config := obj{}
	for _, d := range []struct{ key, property string }{{"onSuccess", "OnSuccess"}, {"onFailure", "OnFailure"}} {
		v := or(destinations.Get(d.key))
		if v == nil {
			continue
		}
		arn, target := s.destination(f, v)
		if arn == nil {
			return
		}
		if target != nil && target.alias != nil {
			after = unique(after, []string{target.alias.id})
		}
		config = add(config, d.property, obj{{"Destination", arn}})
	}
	qualifier := "$LATEST"
	if f.alias != nil {
		qualifier = f.alias.name
	}
	var dependsOn any
	if len(after) > 0 {
		dependsOn = after
	}
	pos := f.pos
	if destinations != nil {
		pos = destinations.Pos
	}
	s.resources.put(normalize(f.key)+"LambdaEvConf", pos, obj{
		{"Type", "AWS::Lambda::EventInvokeConfig"},
		{"Properties", obj{
			{"FunctionName", ref(f.id)},
			{"DestinationConfig", config},
			{"Qualifier", qualifier},
			{"MaximumEventAgeInSeconds", age},
			{"MaximumRetryAttempts", attempts},
		}},
		{"DependsOn", dependsOn},
		{"Condition", f.condition},
	})
}

// destination returns what a destination names, with the function that it is, if it is one of the service, and lets the
// shared role reach it.
func (s *service) destination(f *function, v *template.Value) (arn any, target *function) {
	var action string
	var resource any
	switch {
	case isMap(v):
		arn, resource = v.Get("arn"), v.Get("arn")
		switch str(v, "type") {
		case "function":
			action = "lambda:InvokeFunction"
		case "sqs":
			action = "sqs:SendMessage"
		case "sns":
			action = "sns:Publish"
		case "eventBus":
			action = "events:PutEvents"
		}
	case strings.HasPrefix(v.Text, "arn:"):
		arn, resource = v, v
		switch {
		case strings.Contains(v.Text, ":function:"):
			action = "lambda:InvokeFunction"
		case strings.Contains(v.Text, ":sqs:"):
			action = "sqs:SendMessage"
		case strings.Contains(v.Text, ":sns:"):
			action = "sns:Publish"
		case strings.Contains(v.Text, ":event-bus/"):
			action = "events:PutEvents"
		default:
			s.report(template.Errorf(v.Pos, "%q is not a destination", v.Text).
				WithHint("destinations are functions, queues, topics and event buses"))
			return nil, nil
		}
	default:
		if target = s.find(v.Text); target == nil {
			s.missing(v.Pos, v.Text)
			return nil, nil
		}
		if target.condition != nil && !template.Equal(target.condition, f.condition) {
			s.report(template.Errorf(v.Pos, "the function %q exists only under the condition %s", target.key, target.condition.Text).
				WithHint("give the function %q the same condition", f.key))
		}
		action, arn = "lambda:InvokeFunction", target.target()
		// Not Fn::GetAtt: the target has the same role, and would have to exist before it.
		qualified := target.name
		if target.alias != nil {
			qualified += ":" + target.alias.name
		}
		resource = sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + qualified)
	}
	if s.role != nil && s.executionRole(f) == nil {
		key := json(template.New(template.Pos{}, resource)) + action
		if isMap(v) || !s.role.reached[key] {
			s.role.allow(v.Pos, "Allow", action, resource)
		}
		if s.role.reached == nil {
			s.role.reached = map[string]bool{}
		}
		s.role.reached[key] = true
	}
	return arn, target
}
