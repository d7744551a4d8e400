package sample

import "encoding/json"

// resolverEvent is what AppSync sends to a function that is a direct resolver.
type resolverEvent struct {
	Arguments map[string]json.RawMessage `json:"arguments"`
	Identity  *string                    `json:"identity"`
	Source    *string                    `json:"source"`
	Request   resolverRequest            `json:"request"`
	Prev      *string                    `json:"prev"`
	Info      resolverInfo               `json:"info"`
	Stash     map[string]string          `json:"stash"`
}

type resolverRequest struct {
	Headers    map[string]string `json:"headers"`
	DomainName *string           `json:"domainName"`
}

type resolverInfo struct {
	SelectionSetList    []string          `json:"selectionSetList"`
	SelectionSetGraphQL string            `json:"selectionSetGraphQL"`
	ParentTypeName      string            `json:"parentTypeName"`
	FieldName           string            `json:"fieldName"`
	Variables           map[string]string `json:"variables"`
}

// graphAuthorizerEvent is what AppSync sends to an authorizer.
type graphAuthorizerEvent struct {
	AuthorizationToken string                `json:"authorizationToken"`
	RequestContext     graphAuthorizerDetail `json:"requestContext"`
}

type graphAuthorizerDetail struct {
	APIID         string            `json:"apiId"`
	AccountID     string            `json:"accountId"`
	RequestID     string            `json:"requestId"`
	QueryString   string            `json:"queryString"`
	OperationName string            `json:"operationName"`
	Variables     map[string]string `json:"variables"`
}

type resolverParams struct {
	Type      string `default:"Query" about:"the type that has the field"`
	Field     string `default:"getPost" about:"the field that is resolved"`
	Arguments string `default:"{\"id\":\"1\"}" about:"of the field, a JSON object"`
}

type graphAuthorizerParams struct {
	Token string `default:"ExampleAUTHtoken123123123" about:"of the request"`
	Query string `default:"query MyQuery { getPost(id: 1) { id } }" about:"of the request"`
}

func graphQL() []Sample {
	return []Sample{
		define("appsync:resolver", "https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference.html", "a field of a GraphQL API is resolved", func(m *maker, p resolverParams) any {
			return resolverEvent{
				Arguments: parsed[map[string]json.RawMessage](m, "arguments", p.Arguments),
				Request:   resolverRequest{Headers: map[string]string{"host": m.word(26) + ".appsync-api." + m.Region + ".amazonaws.com", "user-agent": userAgent, "x-forwarded-for": clientIP}},
				Info:      resolverInfo{[]string{"id"}, "{\n  id\n}", p.Type, p.Field, map[string]string{}}, Stash: map[string]string{},
			}
		}),
		define("appsync:authorizer", "https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html", "a GraphQL API asks an authorizer", func(m *maker, p graphAuthorizerParams) any {
			return graphAuthorizerEvent{p.Token, graphAuthorizerDetail{m.word(26), m.Account, m.uuid(), p.Query, "MyQuery", map[string]string{}}}
		}),
	}
}
