package compile

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// roleID is the logical id of the execution role that functions share.
const roleID = "IamRoleLambdaExecution"

// role is the shared execution role. Functions and events add statements while they are compiled; [service.template] writes
// it into its entry at the end.
type role struct {
	entry      *entry
	services   []string // who may assume it
	statements []*template.Value
	managed    []*template.Value
	reached    map[string]bool // destinations that a statement allows
}

// allow adds a statement.
func (r *role) allow(pos template.Pos, effect string, action, resource any) {
	r.statements = append(r.statements, template.New(pos, obj{
		{"Effect", effect}, {"Action", action}, {"Resource", resource},
	}))
}

// allowOnce adds a statement unless the role has it.
func (r *role) allowOnce(pos template.Pos, action, resource any) {
	n := len(r.statements)
	r.allow(pos, "Allow", action, resource)
	added := r.statements[n]
	for _, st := range r.statements[:n] {
		if template.Equal(st, added) {
			r.statements = r.statements[:n]
			return
		}
	}
}

// existingRole returns the role that a value names, or nil: a text or a call of a function, and not settings of the shared role.
func existingRole(v *template.Value) *template.Value {
	if isText(v) && v.Text != "" {
		return v
	}
	if isMap(v) && slices.ContainsFunc(v.Keys(), func(k string) bool { return strings.Contains(k, "::") }) {
		return v
	}
	return nil
}

// executionRole returns the role of its own that a function has, or nil when it has the shared one.
func (s *service) executionRole(f *function) *template.Value {
	if v := or(f.conf.Get("role")); v != nil {
		return v
	}
	if v := existingRole(s.provider.Get("iam", "role")); v != nil {
		return v
	}
	return set(s.provider.Get("role"))
}

// roleResource returns the logical id of a function's role when it is a resource of this stack, for DependsOn.
func (s *service) roleResource(f *function) string {
	v := s.executionRole(f)
	if v == nil {
		return roleID
	}
	if isText(v) {
		if strings.Contains(v.Text, ":") {
			return ""
		}
		return v.Text
	}
	if fn, arg, ok := v.Call(); ok && fn == "Fn::GetAtt" {
		if parts := texts(arg); len(parts) == 2 && parts[1] == "Arn" {
			return parts[0]
		}
	}
	return ""
}

// makeRole makes the shared role, when any function has it.
func (s *service) makeRole() {
	if len(s.functions) == 0 || existingRole(s.provider.Get("iam", "role")) != nil || s.provider.Has("role") {
		return
	}
	if !slices.ContainsFunc(s.functions, func(f *function) bool { return !f.conf.Has("role") }) {
		return
	}
	settings := s.provider.Get("iam", "role")
	pos := s.provider.Pos
	if settings != nil {
		pos = settings.Pos
	}
	var tags any
	if t := set(settings.Get("tags")); t != nil {
		tags = keyValues(pos, t)
	}
	path := str(settings, "path")
	if path == "" {
		path = "/"
	}
	var name any = join("-", s.name, s.stage, region(), "lambdaRole")
	if n := or(settings.Get("name")); n != nil {
		name = n
	}
	s.role = &role{services: []string{"lambda.amazonaws.com"}}
	s.role.entry = s.resources.put(roleID, pos, obj{
		{"Type", "AWS::IAM::Role"},
		{"Properties", obj{
			{"Path", path},
			{"RoleName", name},
			{"Tags", tags},
			{"PermissionsBoundary", or(settings.Get("permissionsBoundary"), settings.Get("permissionBoundary"),
				s.provider.Get("rolePermissionsBoundary"))},
		}},
	})
	s.allowLogs(pos)
	own := or(settings.Get("statements"), s.provider.Get("iamRoleStatements"))
	if own != nil {
		s.role.statements = append(s.role.statements, own.Items...)
	}
	if managed := or(settings.Get("managedPolicies"), s.provider.Get("iamManagedPolicies")); managed != nil {
		s.role.managed = append(s.role.managed, managed.Items...)
	}
	if truthy(s.provider.Get("vpc")) || slices.ContainsFunc(s.functions, func(f *function) bool { return f.conf.Has("vpc") }) {
		s.role.managed = append(s.role.managed, template.New(pos,
			join("", "arn:", partition(), ":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")))
	}
}

// allowLogs lets the functions write their logs: those whose names begin with service and stage by one pattern, the others
// by name.
func (s *service) allowLogs(pos template.Pos) {
	const group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/"
	prefix := s.name + "-" + s.stage
	streams, events, silent := []any{}, []any{}, []any{}
	canonical := false
	for _, f := range s.functions {
		disabled := truthy(f.conf.Get("disableLogs"))
		switch {
		case strings.HasPrefix(f.name, prefix) && disabled:
			silent = append(silent, sub(group+f.name+":*"))
		case strings.HasPrefix(f.name, prefix):
			canonical = true
		case !disabled:
			streams = append(streams, sub(group+f.name+":*"))
			events = append(events, sub(group+f.name+":*:*"))
		}
	}
	if canonical {
		streams = append(streams, sub(group+prefix+"*:*"))
		events = append(events, sub(group+prefix+"*:*:*"))
	}
	s.role.allow(pos, "Allow", []string{"logs:CreateLogStream", "logs:CreateLogGroup", "logs:TagResource"}, streams)
	s.role.allow(pos, "Allow", []string{"logs:PutLogEvents"}, events)
	if canonical && len(silent) > 0 {
		s.role.allow(pos, "Deny", "logs:PutLogEvents", silent)
	}
}

// finish writes what was gathered into the resource.
func (r *role) finish(s *service) {
	e := r.entry
	e.property("AssumeRolePolicyDocument", obj{
		{"Version", "2012-10-17"},
		{"Statement", []any{obj{
			{"Effect", "Allow"},
			{"Principal", obj{{"Service", r.services}}},
			{"Action", []string{"sts:AssumeRole"}},
		}}},
	})
	e.property("Policies", []any{obj{
		{"PolicyName", join("-", s.name, s.stage, "lambda")},
		{"PolicyDocument", obj{{"Version", "2012-10-17"}, {"Statement", r.statements}}},
	}})
	if len(r.managed) > 0 {
		e.property("ManagedPolicyArns", r.managed)
	}
}
