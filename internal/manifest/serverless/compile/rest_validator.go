package compile

import "github.com/nube-run/nube/internal/template"

// makeValidators makes what checks the requests of a route: the validator, and the models of its bodies.
func (r *rest) makeValidators(t *route) {
	m := r.service.resources.at[t.methodID]
	for _, p := range t.parameters {
		if p.required {
			m.property("RequestValidatorId", r.validator(t))
			break
		}
	}
	schemas := set(t.request.Get("schemas"))
	if schemas == nil {
		return
	}
	models := obj{}
	for _, f := range schemas.Fields {
		m.property("RequestValidatorId", r.validator(t))
		models = add(models, f.Key, ref(r.model(t, f)))
	}
	if len(models) > 0 {
		m.property("RequestModels", models)
	}
}

// validator makes the validator that all routes share.
func (r *rest) validator(t *route) obj {
	id := "ApiGateway" + alphanumeric(r.name) + "RequestValidator"
	if !r.service.resources.has(id) {
		r.service.resources.put(id, t.pos, obj{
			{"Type", "AWS::ApiGateway::RequestValidator"},
			{"Properties", obj{
				{"RestApiId", r.apiID()},
				{"ValidateRequestBody", true},
				{"ValidateRequestParameters", true},
				{"Name", r.name + "-" + r.stage + " | Validate request body and querystring parameters"},
			}},
		})
	}
	return ref(id)
}

// model makes the model of a content type: one of the provider's, or the route's own.
func (r *rest) model(t *route, f template.Field) string {
	if isText(f.Value) {
		if shared, ok := r.conf.Get("request", "schemas").Field(f.Value.Text); ok {
			id := "ApiGateway" + pascalCase(shared.Key) + "Model"
			r.service.resources.put(id, shared.Pos, obj{
				{"Type", "AWS::ApiGateway::Model"},
				{"Properties", obj{
					{"RestApiId", r.apiID()},
					{"Schema", shared.Value.Get("schema")},
					{"ContentType", "application/json"},
					{"Name", or(shared.Value.Get("name"))},
					{"Description", or(shared.Value.Get("description"))},
				}},
			})
			return id
		}
	}
	definition, name, description := f.Value, (*template.Value)(nil), (*template.Value)(nil)
	if own := or(f.Value.Get("schema")); own != nil {
		definition, name, description = own, set(f.Value.Get("name")), set(f.Value.Get("description"))
	}
	id := t.methodID + startCase(f.Key) + "Model"
	r.service.resources.put(id, f.Pos, obj{
		{"Type", "AWS::ApiGateway::Model"},
		{"Properties", obj{
			{"RestApiId", r.apiID()},
			{"ContentType", f.Key},
			{"Schema", definition},
			{"Name", name},
			{"Description", description},
		}},
	})
	return id
}
