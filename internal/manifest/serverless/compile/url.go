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
		{Key: "Type", Value: "AWS::Lambda::Url"},
		{Key: "Properties", Value: obj{
			{Key: "AuthType", Value: auth},
			{Key: "TargetFunctionArn", Value: f.target()},
			{Key: "Cors", Value: urlCORS(or(u.Get("cors")))},
			{Key: "InvokeMode", Value: mode},
		}},
		{Key: "DependsOn", Value: f.after()},
		{Key: "Condition", Value: f.condition},
	})
	s.outputs.put(id, u.Pos, obj{
		{Key: "Description", Value: "Lambda Function URL"},
		{Key: "Value", Value: getAtt(id, "FunctionUrl")},
		{Key: "Condition", Value: f.condition},
	})
	if auth != "NONE" {
		return
	}
	permission := func(id, action string, more obj) {
		s.resources.put(id, u.Pos, obj{
			{Key: "Type", Value: "AWS::Lambda::Permission"},
			{Key: "Properties", Value: append(obj{
				{Key: "FunctionName", Value: f.target()}, {Key: "Action", Value: action}, {Key: "Principal", Value: "*"},
			}, more...)},
			{Key: "DependsOn", Value: f.after()},
			{Key: "Condition", Value: f.condition},
		})
	}
	permission(normalize(f.key)+"LambdaPermissionFnUrl", "lambda:InvokeFunctionUrl", obj{{Key: "FunctionUrlAuthType", Value: auth}})
	permission(normalize(f.key)+"LambdaPermissionFn", "lambda:InvokeFunction", obj{{Key: "InvokedViaFunctionUrl", Value: true}})
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
		{Key: "AllowCredentials", Value: or(cors.Get("allowCredentials"))},
		{Key: "AllowHeaders", Value: list("allowedHeaders", "Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amzn-Trace-Id")},
		{Key: "AllowMethods", Value: list("allowedMethods", "*")},
		{Key: "AllowOrigins", Value: list("allowedOrigins", "*")},
		{Key: "ExposeHeaders", Value: list("exposedResponseHeaders")},
		{Key: "MaxAge", Value: set(cors.Get("maxAge"))},
	}
}
