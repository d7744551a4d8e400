package apigateway

import (
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// allMethods is the key of the settings that all methods of a stage have.
const allMethods = "*/*"

// newSetting has the settings of a method of which only some are said.
func newSetting() shapes.MethodSetting {
	return shapes.MethodSetting{
		MetricsEnabled: ptr(false), LoggingLevel: ptr("OFF"), DataTraceEnabled: ptr(false), ThrottlingBurstLimit: ptr(int32(5000)),
		ThrottlingRateLimit: ptr(10000.0), CachingEnabled: ptr(false), CacheTtlInSeconds: ptr(int32(300)), CacheDataEncrypted: ptr(false),
		RequireAuthorizationForCacheControl: ptr(true), UnauthorizedCacheControlHeaderStrategy: ptr("SUCCEED_WITH_RESPONSE_HEADER"),
	}
}

// patchSettings changes the settings of methods: a path is
// /{resource path}/{METHOD}/{group}/{name}, or without the last two to remove
// them all.
// https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch
func patchSettings(st *shapes.Stage, p shapes.PatchOperation) error {
	path := strings.TrimPrefix(value(p.Path), "/")
	if value(p.Op) == "remove" {
		key, ok := settingsKey(path)
		if _, had := st.MethodSettings[key]; !ok || !had {
			return notFound("Invalid method setting path: %s", value(p.Path))
		}
		delete(st.MethodSettings, key)
		return nil
	}
	parts := strings.Split(path, "/")
	if len(parts) < 4 {
		return badPatch(p)
	}
	group, name := parts[len(parts)-2], parts[len(parts)-1]
	key, ok := settingsKey(strings.Join(parts[:len(parts)-2], "/"))
	if !ok {
		return badPatch(p)
	}
	s, had := st.MethodSettings[key]
	if !had {
		s = newSetting()
	}
	if err := patchSetting(&s, p, group+"/"+name); err != nil {
		return err
	}
	if st.MethodSettings == nil {
		st.MethodSettings = map[string]shapes.MethodSetting{}
	}
	st.MethodSettings[key] = s
	return nil
}

// settingsKey is a method as the stage's settings name it: users~1{id}/GET is
// users/{id}/GET; the root's methods begin with a slash.
func settingsKey(path string) (string, bool) {
	cut := strings.LastIndexByte(path, '/')
	if cut < 0 {
		return "", false
	}
	resource, verb := unescapePointer(path[:cut]), path[cut+1:]
	if verb != "*" && !knownMethod(verb) {
		return "", false
	}
	return strings.TrimPrefix(resource, "/") + "/" + verb, true
}

func patchSetting(s *shapes.MethodSetting, p shapes.PatchOperation, name string) error {
	v := value(p.Value)
	on := v == "true"
	switch name {
	case "metrics/enabled":
		s.MetricsEnabled = &on
	case "logging/dataTrace":
		s.DataTraceEnabled = &on
	case "logging/loglevel":
		switch v {
		case levelOff, levelError, levelInfo:
		default:
			return badRequest("Invalid logging level %s: it must be one of OFF, ERROR, INFO", v)
		}
		s.LoggingLevel = &v
	case "throttling/burstLimit":
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return badRequest("Invalid value %s for %s: it must be a whole number", v, value(p.Path))
		}
		s.ThrottlingBurstLimit = ptr(int32(n))
	case "throttling/rateLimit":
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return badRequest("Invalid value %s for %s: it must be a number", v, value(p.Path))
		}
		s.ThrottlingRateLimit = &f
	case "caching/enabled":
		if on {
			return badRequest("Caching is not supported: responses are not cached.")
		}
		s.CachingEnabled = &on
	case "caching/dataEncrypted":
		s.CacheDataEncrypted = &on
	case "caching/ttlInSeconds":
		n, err := optionalInt(p)
		if err != nil {
			return err
		}
		s.CacheTtlInSeconds = n
	case "caching/requireAuthorizationForCacheControl":
		s.RequireAuthorizationForCacheControl = &on
	case "caching/unauthorizedCacheControlHeaderStrategy":
		s.UnauthorizedCacheControlHeaderStrategy = p.Value
	default:
		return badPatch(p)
	}
	return nil
}

// settings are those of a method: its own, else those of all methods, else none.
// The account's limits, which are what unset ones stand for, are not enforced.
func (p *plan) settings(path, verb string) shapes.MethodSetting {
	for _, key := range []string{strings.TrimPrefix(path, "/") + "/" + verb, strings.TrimPrefix(path, "/") + "/*", allMethods} {
		if s, ok := p.stage.MethodSettings[key]; ok {
			d := newSetting()
			if value(s.ThrottlingRateLimit) == *d.ThrottlingRateLimit && value(s.ThrottlingBurstLimit) == *d.ThrottlingBurstLimit {
				s.ThrottlingRateLimit, s.ThrottlingBurstLimit = nil, nil
			}
			return s
		}
	}
	return shapes.MethodSetting{}
}
