package compile

import (
	"slices"

	"github.com/nube-run/nube/internal/template"
)

// bucket is a bucket that calls functions, made by the service.
type bucket struct {
	name   string          // of the bucket
	ref    string          // what events call it: a key of provider.s3, or the name
	conf   *template.Value // from provider.s3, or nil
	pos    template.Pos
	calls  []any
	caller []event
}

// s3Events compiles the buckets that call functions.
func (s *service) s3Events() {
	var buckets []*bucket
	for _, e := range s.events("s3") {
		b := s.bucketOf(e, &buckets)
		if b == nil {
			continue
		}
		kind, filter := "s3:ObjectCreated:*", any(nil)
		if v := str(e.conf, "event"); v != "" {
			kind = v
		}
		if rules := or(e.conf.Get("rules")); rules != nil {
			filter = s3Filter(rules)
		}
		b.calls = append(b.calls, obj{
			{"Event", kind}, {"Function", e.fn.target()}, {"Filter", filter},
		})
		b.caller = append(b.caller, e)
	}
	for _, b := range buckets {
		s.bucket(b)
	}
	for _, b := range buckets {
		for _, e := range b.caller {
			id := s3PermissionID(e, b)
			s.invoke(id, e, "s3.amazonaws.com", join("", "arn:", partition(), ":s3:::"+b.name))
			s.resources.at[id].property("SourceAccount", account())
		}
	}
}

// bucketOf returns the bucket of an event, a new one at its first event.
func (s *service) bucketOf(e event, buckets *[]*bucket) *bucket {
	v := e.conf
	if isMap(v) {
		if truthy(v.Get("existing")) {
			s.report(template.Errorf(e.pos, "events of existing buckets are not supported").WithHint(
				"declare the bucket in this service: leave existing out, or set its NotificationConfiguration under resources"))
			return nil
		}
		v = v.Get("bucket")
	}
	if !isText(v) {
		s.report(template.Errorf(v.Pos, "the bucket of an event must be a plain name").WithHint(
			"the service makes the bucket; for one that it declares under resources set its NotificationConfiguration there"))
		return nil
	}
	b := &bucket{name: v.Text, ref: v.Text, pos: e.pos}
	if f, ok := s.provider.Get("s3").Field(v.Text); ok {
		b.conf = f.Value
		if name := str(f.Value, "name"); name != "" {
			b.name = name
		}
	}
	i := slices.IndexFunc(*buckets, func(x *bucket) bool { return x.name == b.name })
	if i >= 0 {
		return (*buckets)[i]
	}
	*buckets = append(*buckets, b)
	return b
}

func s3Filter(rules *template.Value) obj {
	list := []any{}
	for _, rule := range rules.Items {
		for _, f := range rule.Fields {
			list = append(list, obj{{"Name", f.Key}, {"Value", f.Value}})
		}
	}
	return obj{{"S3Key", obj{{"Rules", list}}}}
}

func s3PermissionID(e event, b *bucket) string {
	return normalize(e.fn.key) + "LambdaPermission" + alphanumeric(b.ref) + "S3"
}

func (s *service) bucket(b *bucket) {
	pos := b.pos
	properties := template.New(pos, obj{{"BucketName", b.name}})
	notifications := template.New(pos, obj{{"LambdaConfigurations", b.calls}})
	if b.conf != nil {
		for _, f := range b.conf.Fields {
			switch key := upperFirst(f.Key); key {
			case "Name":
			case "NotificationConfiguration":
				notifications = overlay(notifications, f.Value)
			default:
				properties = properties.With(key, f.Value)
			}
		}
	}
	var after []string
	for _, e := range b.caller {
		after = append(after, s3PermissionID(e, b))
		if e.fn.alias != nil {
			after = append(after, e.fn.alias.id)
		}
	}
	s.resources.put("S3Bucket"+alphanumeric(b.ref), pos, obj{
		{"Type", "AWS::S3::Bucket"},
		{"Properties", properties.With("NotificationConfiguration", notifications)},
		{"DependsOn", after},
	})
}
