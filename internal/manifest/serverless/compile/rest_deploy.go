package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// makeDeployment makes the deployment, which publishes the API as a stage.
//
// Its logical id holds a digest of everything that is published, so that a changed API is a new deployment and an unchanged
// one is not.
func (r *rest) makeDeployment(pos template.Pos) {
	published := []any{}
	for _, e := range r.service.resources.list {
		if strings.HasPrefix(str(e.body, "Type"), "AWS::ApiGateway::") {
			published = append(published, e.id, e.body.Get("Properties"))
		}
	}
	if own := set(r.config.Get("resources")); own != nil {
		for _, list := range []*template.Value{own.Get("Resources"), own.Get("extensions")} {
			if list == nil {
				continue
			}
			for _, f := range list.Fields {
				if strings.HasPrefix(f.Key, "ApiGateway") || strings.HasPrefix(str(f.Value, "Type"), "AWS::ApiGateway::") {
					published = append(published, f.Key, f.Value)
				}
			}
		}
	}
	r.deployment = "ApiGatewayDeployment" + digest(template.New(pos, published))[:12]
	stage := r.stage
	if own := str(r.conf, "stage"); own != "" {
		stage = own
	}
	r.service.resources.put(r.deployment, pos, obj{
		{"Type", "AWS::ApiGateway::Deployment"},
		{"Properties", obj{
			{"RestApiId", r.apiID()},
			{"StageName", stage},
			{"Description", or(r.conf.Get("description"))},
			{"StageDescription", r.stageDescription()},
		}},
		{"DependsOn", append(slices.Clip(r.methods), r.ownResponses()...)},
	})
	r.outputs.put("ServiceEndpoint", pos, obj{
		{"Description", "URL of the service endpoint"},
		{"Value", join("", "https://", r.apiID(), ".execute-api.", region(), ".", ref("AWS::URLSuffix"), "/"+r.stage)},
	})
}

// ownResponses are the gateway responses among the manifest's own resources. A deployment is a snapshot: one that is made
// before them would not have them.
func (r *rest) ownResponses() []string {
	var out []string
	own := r.config.Get("resources", "Resources")
	if !isMap(own) {
		return nil
	}
	for _, f := range own.Fields {
		if str(f.Value, "Type") == "AWS::ApiGateway::GatewayResponse" && !f.Value.Has("Condition") {
			out = append(out, f.Key)
		}
	}
	return out
}

// apiLogGroupID is the log group of the API's access logs.
const apiLogGroupID = "ApiGatewayLogGroup"

// accessLogFormat is what an access log line holds when the manifest does not say.
func accessLogFormat() string {
	return strings.Join([]string{
		"requestId: $context.requestId", "ip: $context.identity.sourceIp", "caller: $context.identity.caller",
		"user: $context.identity.user", "requestTime: $context.requestTime", "httpMethod: $context.httpMethod",
		"resourcePath: $context.resourcePath", "status: $context.status", "protocol: $context.protocol",
		"responseLength: $context.responseLength",
	}, ", ")
}

// accessLogs reports whether the API writes access logs.
func (r *rest) accessLogs() bool {
	logs := r.provider.Get("logs", "restApi")
	on := logs.Get("accessLogging")
	return truthy(logs) && !r.external() && (on.IsNull() || truthy(on))
}

// stageDescription returns the settings of the stage. The Framework applies them with calls of the API after the stack; here
// they stand in the template.
func (r *rest) stageDescription() any {
	logs, p := r.provider.Get("logs", "restApi"), r.provider
	var access, level, data any
	if r.accessLogs() {
		format := accessLogFormat()
		if own := str(logs, "format"); own != "" {
			format = own
		}
		access = obj{{"DestinationArn", getAtt(apiLogGroupID, "Arn")}, {"Format", format}}
	}
	if on := logs.Get("executionLogging"); truthy(logs) && (on.IsNull() || truthy(on)) {
		level = "INFO"
		if own := str(logs, "level"); own != "" {
			level = own
		}
		full := logs.Get("fullExecutionData")
		data = full.IsNull() || truthy(full)
	}
	var tags any
	if merged := overlay(p.Get("stackTags"), p.Get("tags")); merged != nil && (truthy(logs) || truthy(p.Get("tracing", "apiGateway"))) {
		tags = keyValues(merged.Pos, merged)
	}
	out := template.New(r.pos, obj{
		{"TracingEnabled", or(p.Get("tracing", "apiGateway"))},
		{"MetricsEnabled", or(r.conf.Get("metrics"))},
		{"AccessLogSetting", access},
		{"LoggingLevel", level},
		{"DataTraceEnabled", data},
		{"Tags", tags},
	})
	if len(out.Fields) == 0 {
		return nil
	}
	return out
}

// makeLogs makes the log group of the access logs.
func (r *rest) makeLogs(pos template.Pos) {
	if !r.accessLogs() {
		return
	}
	e := r.service.resources.put(apiLogGroupID, pos, obj{
		{"Type", "AWS::Logs::LogGroup"},
		{"Properties", obj{{"LogGroupName", "/aws/api-gateway/" + r.name + "-" + r.stage}}},
	})
	r.retention(e, nil, nil)
}

// makeKeys makes the API keys, the usage plans and what ties them together.
func (r *rest) makeKeys() {
	keys, plans := or(r.conf.Get("apiKeys")), or(r.conf.Get("usagePlan"))
	if keys == nil && plans == nil {
		return
	}
	named := map[string]bool{}
	if plans != nil && plans.Kind == template.List {
		for _, item := range plans.Items {
			for _, f := range item.Fields {
				named[f.Key] = true
				r.plan(f.Key, f.Value, f.Pos)
			}
		}
	} else {
		pos := keys.At()
		if plans != nil {
			pos = plans.Pos
		}
		r.plan("", plans, pos)
	}
	if keys == nil {
		return
	}
	n := 0
	for _, item := range keys.Items {
		if f, ok := keysOfPlan(item); ok && named[f.Key] {
			for i, key := range f.Value.Items {
				r.key(f.Key, i+1, key)
			}
			continue
		} else if ok {
			r.errorf(f.Pos, "the API keys %q have no usage plan of that name", f.Key)
			continue
		}
		n++
		r.key("", n, item)
	}
}

// keysOfPlan returns the list of keys of one plan, if that is what an element of apiKeys is.
func keysOfPlan(item *template.Value) (template.Field, bool) {
	if isMap(item) && len(item.Fields) == 1 && item.Fields[0].Value.Kind == template.List {
		return item.Fields[0], true
	}
	return template.Field{}, false
}

// key makes an API key and adds it to a plan, the one without a name or a named one.
func (r *rest) key(plan string, n int, v *template.Value) {
	name, settings := v, (*template.Value)(nil)
	if isMap(v) {
		name, settings = set(v.Get("name")), v
	}
	var enabled any = true
	if on := settings.Get("enabled"); !on.IsNull() {
		enabled = on
	}
	suffix := fmt.Sprintf("%s%d", upperFirst(plan), n)
	r.service.resources.put("ApiGatewayApiKey"+suffix, v.Pos, obj{
		{"Type", "AWS::ApiGateway::ApiKey"},
		{"Properties", obj{
			{"Enabled", enabled},
			{"Name", name},
			{"Value", or(settings.Get("value"))},
			{"Description", set(settings.Get("description"))},
			{"CustomerId", set(settings.Get("customerId"))},
			{"StageKeys", []any{obj{{"RestApiId", r.apiID()}, {"StageName", r.stage}}}},
		}},
		{"DependsOn", r.deployment},
	})
	r.service.resources.put("ApiGatewayUsagePlanKey"+suffix, v.Pos, obj{
		{"Type", "AWS::ApiGateway::UsagePlanKey"},
		{"Properties", obj{
			{"KeyId", ref("ApiGatewayApiKey" + suffix)},
			{"KeyType", "API_KEY"},
			{"UsagePlanId", ref("ApiGatewayUsagePlan" + upperFirst(plan))},
		}},
	})
}

// plan makes a usage plan.
func (r *rest) plan(name string, v *template.Value, pos template.Pos) {
	title, about := r.name+"-"+r.stage, "Usage plan for "
	if name != "" {
		title, about = r.name+"-"+name+"-"+r.stage, fmt.Sprintf("Usage plan %q for ", name)
	}
	var quota, throttle any
	if q := or(v.Get("quota")); q != nil {
		quota = obj{{"Limit", set(q.Get("limit"))}, {"Offset", set(q.Get("offset"))}, {"Period", set(q.Get("period"))}}
	}
	if t := or(v.Get("throttle")); t != nil {
		throttle = obj{{"BurstLimit", set(t.Get("burstLimit"))}, {"RateLimit", set(t.Get("rateLimit"))}}
	}
	r.service.resources.put("ApiGatewayUsagePlan"+upperFirst(name), pos, obj{
		{"Type", "AWS::ApiGateway::UsagePlan"},
		{"DependsOn", r.deployment},
		{"Properties", obj{
			{"ApiStages", []any{obj{{"ApiId", r.apiID()}, {"Stage", r.stage}}}},
			{"Description", about + r.name + " " + r.stage + " stage"},
			{"UsagePlanName", title},
			{"Quota", quota},
			{"Throttle", throttle},
		}},
	})
}
