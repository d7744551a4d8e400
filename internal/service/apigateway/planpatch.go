package apigateway

import (
	"slices"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// patchPlan changes a usage plan.
// https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateUsagePlan-Patch
func patchPlan(plan *shapes.UsagePlan, p shapes.PatchOperation) error {
	path, remove := value(p.Path), value(p.Op) == "remove"
	switch {
	case path == "/name":
		plan.Name = p.Value
	case path == "/description":
		plan.Description = p.Value
	case path == "/productCode":
		plan.ProductCode = p.Value
	case path == "/throttle" && remove:
		plan.Throttle = nil
	case path == "/quota" && remove:
		plan.Quota = nil
	case strings.HasPrefix(path, "/throttle/"):
		if plan.Throttle == nil {
			plan.Throttle = &shapes.ThrottleSettings{}
		}
		return patchThrottle(plan.Throttle, p, path[len("/throttle/"):])
	case strings.HasPrefix(path, "/quota/"):
		if plan.Quota == nil {
			plan.Quota = &shapes.QuotaSettings{}
		}
		return patchQuota(plan.Quota, p, path[len("/quota/"):])
	case path == "/apiStages":
		api, stage, ok := strings.Cut(value(p.Value), ":")
		if !ok {
			return badRequest("Invalid API stage %s: it must be API:STAGE", value(p.Value))
		}
		plan.ApiStages = slices.DeleteFunc(plan.ApiStages, func(st shapes.ApiStage) bool { return value(st.ApiId) == api && value(st.Stage) == stage })
		if !remove {
			plan.ApiStages = append(plan.ApiStages, shapes.ApiStage{ApiId: &api, Stage: &stage})
		}
	case strings.HasPrefix(path, "/apiStages/"):
		return patchStageOfPlan(plan, p, path[len("/apiStages/"):])
	default:
		return badPatch(p)
	}
	return nil
}

// patchStageOfPlan changes the throttles of methods in one stage of a plan:
// {api}:{stage}/throttle/{path}/{METHOD}/rateLimit.
func patchStageOfPlan(plan *shapes.UsagePlan, p shapes.PatchOperation, rest string) error {
	name, rest, _ := strings.Cut(rest, "/")
	api, stage, _ := strings.Cut(name, ":")
	at := slices.IndexFunc(plan.ApiStages, func(st shapes.ApiStage) bool { return value(st.ApiId) == api && value(st.Stage) == stage })
	if at < 0 {
		return notFound("API Stage not found: %s", name)
	}
	st := &plan.ApiStages[at]
	method, ok := strings.CutPrefix(rest, "throttle")
	method = strings.TrimPrefix(method, "/")
	if !ok {
		return badPatch(p)
	}
	if value(p.Op) == "remove" {
		if method == "" {
			st.Throttle = nil
		} else {
			delete(st.Throttle, unescapePointer(method))
		}
		return nil
	}
	cut := strings.LastIndexByte(method, '/')
	if cut < 0 {
		return badPatch(p)
	}
	limit := method[cut+1:]
	method = unescapePointer(method[:cut])
	t := st.Throttle[method]
	if err := patchThrottle(&t, p, limit); err != nil {
		return err
	}
	if st.Throttle == nil {
		st.Throttle = map[string]shapes.ThrottleSettings{}
	}
	st.Throttle[method] = t
	return nil
}

func patchThrottle(t *shapes.ThrottleSettings, p shapes.PatchOperation, name string) error {
	switch name {
	case "burstLimit":
		n, err := optionalInt(p)
		if err != nil {
			return err
		}
		t.BurstLimit = n
	case "rateLimit":
		if value(p.Op) == "remove" {
			t.RateLimit = nil
			return nil
		}
		f, err := strconv.ParseFloat(value(p.Value), 64)
		if err != nil {
			return badRequest("Invalid value %s for %s: it must be a number", value(p.Value), value(p.Path))
		}
		t.RateLimit = &f
	default:
		return badPatch(p)
	}
	return nil
}

func patchQuota(q *shapes.QuotaSettings, p shapes.PatchOperation, name string) (err error) {
	switch name {
	case "limit":
		q.Limit, err = optionalInt(p)
	case "offset":
		q.Offset, err = optionalInt(p)
	case "period":
		q.Period = p.Value
	default:
		err = badPatch(p)
	}
	return err
}
