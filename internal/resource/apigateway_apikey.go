package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// apiKey is AWS::ApiGateway::ApiKey. Ref is its id.
type apiKey struct{ base }

// Create makes a key. The service gives the id, so a repeated creation looks for
// the key that it may have made: one of that name that is not older than the
// step.
func (k apiKey) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := text(r.Properties, "Name")
	if name == "" {
		name = r.PhysicalID
	}
	if r.Again {
		id, err := k.made(ctx, name, r)
		if err != nil || id != "" {
			return keyProgress(id), err
		}
	}
	in := apigateway.CreateApiKeyRequest{Name: &name, Tags: tagMap(r.Properties)}
	if err := bind(&in, r.Properties, "Tags"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, k.base, apigateway.CreateApiKey, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return keyProgress(val(out.Id)), nil
}

func keyProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"APIKeyId": id}}
}

func (k apiKey) made(ctx context.Context, name string, r stack.Request) (string, error) {
	var position *string
	for {
		out, err := do(ctx, k.base, apigateway.GetApiKeys, &apigateway.GetApiKeysRequest{NameQuery: &name, Position: position, Limit: ptr(int32(500))})
		if err != nil {
			return "", err
		}
		for _, x := range out.Items {
			if val(x.Name) == name && val(x.CreatedDate) >= r.Since {
				return val(x.Id), nil
			}
		}
		if position = out.Position; position == nil {
			return "", nil
		}
	}
}

func (k apiKey) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := keyProgress(r.PhysicalID)
	var p patch
	p.scalar(r.Old, r.Properties, "Description", "/description", "")
	p.scalar(r.Old, r.Properties, "CustomerId", "/customerId", "")
	p.scalar(r.Old, r.Properties, "Enabled", "/enabled", "false")
	was, is := map[string]bool{}, map[string]bool{}
	for _, st := range items(r.Old, "StageKeys") {
		was[text(st, "RestApiId")+"/"+text(st, "StageName")] = true
	}
	for _, st := range items(r.Properties, "StageKeys") {
		name := text(st, "RestApiId") + "/" + text(st, "StageName")
		if is[name] = true; !was[name] {
			p.add("add", "/stages", name)
		}
	}
	for _, st := range items(r.Old, "StageKeys") {
		if name := text(st, "RestApiId") + "/" + text(st, "StageName"); !is[name] {
			p.addTo("remove", "/stages", name)
		}
	}
	if len(p) > 0 {
		if err := run(ctx, k.base, apigateway.UpdateApiKey, &apigateway.UpdateApiKeyRequest{ApiKey: &r.PhysicalID, PatchOperations: p}); err != nil {
			return done, err
		}
	}
	return done, k.tag(ctx, r, gatewayARN(r, "/apikeys/"+r.PhysicalID))
}

func (k apiKey) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, k.base, apigateway.DeleteApiKey, &apigateway.DeleteApiKeyRequest{ApiKey: &r.PhysicalID}))
}

func (k apiKey) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, k.base, apigateway.GetApiKey, &apigateway.GetApiKeyRequest{ApiKey: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return keyProgress(r.PhysicalID).Attrs, nil
}
