package compile

import "github.com/nube-run/nube/internal/template"

// url compiles the URL of a function and the permissions to call it.
func (s *service) url(f *function) {
	u := or(f.conf.Get("url"))
	if u == nil {
		return
	}
	auth := "NONE"
	if str(u, "authorizer") == "aws_iam" {
		auth = "AWS_IAM"
	}
	var mode any
	if str(u, "invokeMode") == "RESPONSE_STREAM" {
		mode = "RESPONSE_STREAM"
	}
	id := f.id + "Url"
	s.resources.put(id, u.Pos, obj{
		{"Type", "AWS::Lambda::Url"},
		{"Properties", obj{
			{"AuthType", auth},
			{"TargetFunctionArn", f.target()},
			{"Cors", urlCORS(or(u.Get("cors")))},
			{"InvokeMode", mode},
		}},
		{"DependsOn", f.after()},
		{"Condition", f.condition},
	})
	s.outputs.put(id, u.Pos, obj{
		{"Description", "Lambda Function URL"},
		{"Value", getAtt(id, "FunctionUrl")},
		{"Condition", f.condition},
	})
	if auth != "NONE" {
		return
	}
	permission := func(id, action string, more obj) {
		s.resources.put(id, u.Pos, obj{
			{"Type", "AWS::Lambda::Permission"},
			{"Properties", append(obj{
				{"FunctionName", f.target()}, {"Action", action}, {"Principal", "*"},
			}, more...)},
			{"DependsOn", f.after()},
			{"Condition", f.condition},
		})
	}
	permission(normalize(f.key)+"LambdaPermissionFnUrl", "lambda:InvokeFunctionUrl", obj{{"FunctionUrlAuthType", auth}})
	permission(normalize(f.key)+"LambdaPermissionFn", "lambda:InvokeFunction", obj{{"InvokedViaFunctionUrl", true}})
}

// urlCORS fills in the defaults of CORS. An explicit null takes a default away.
func urlCORS(cors *template.Value) any {
	if cors == nil {
		return nil
	}
	list := func(key string, def ...string) any {
		f, ok := cors.Field(key)
		switch {
		case ok && f.Value.IsNull():
			return nil
		case ok:
			return unique(texts(f.Value))
		case def != nil:
			return def
		}
		return nil
	}
	return obj{
		{"AllowCredentials", or(cors.Get("allowCredentials"))},
		{"AllowHeaders", list("allowedHeaders",
			"Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amzn-Trace-Id")},
		{"AllowMethods", list("allowedMethods", "*")},
		{"AllowOrigins", list("allowedOrigins", "*")},
		{"ExposeHeaders", list("exposedResponseHeaders")},
		{"MaxAge", set(cors.Get("maxAge"))},
	}
}
