package sample

import "encoding/json"

// resourceEvent is what CloudFormation sends to a function behind a custom
// resource.
type resourceEvent struct {
	RequestType           string
	ServiceToken          string
	ResponseURL           string
	StackID               string `json:"StackId"`
	RequestID             string `json:"RequestId"`
	LogicalResourceID     string `json:"LogicalResourceId"`
	PhysicalResourceID    string `json:"PhysicalResourceId,omitempty"`
	ResourceType          string
	ResourceProperties    map[string]json.RawMessage
	OldResourceProperties map[string]json.RawMessage `json:",omitempty"`
}

type resourceParams struct {
	Function   string `default:"my-function" about:"the function's name"`
	Stack      string `default:"my-stack" about:"the stack's name"`
	Resource   string `default:"MyResource" about:"the resource's logical name"`
	Type       string `default:"Custom::TestResource" about:"the resource's type"`
	Properties string `default:"{\"StackName\":\"my-stack\",\"List\":[\"1\",\"2\",\"3\"]}" about:"a JSON object"`
	Old        string `default:"{\"StackName\":\"my-stack\",\"List\":[\"1\"]}" about:"the properties before an update"`
	URL        string `default:"https://example.com/response" about:"where the function is to answer"`
}

func customResources() []Sample {
	event := func(kind string) func(*maker, resourceParams) any {
		return func(m *maker, p resourceParams) any {
			token := m.arn("lambda", "function:"+p.Function)
			properties := func(param, text string) map[string]json.RawMessage {
				out := parsed[map[string]json.RawMessage](m, param, text)
				if out != nil {
					out["ServiceToken"] = json.RawMessage(`"` + token + `"`)
				}
				return out
			}
			e := resourceEvent{
				RequestType: kind, ServiceToken: token, ResponseURL: p.URL, StackID: m.arn("cloudformation", "stack/"+p.Stack+"/"+m.uuid()), RequestID: m.uuid(),
				LogicalResourceID: p.Resource, ResourceType: p.Type, ResourceProperties: properties("properties", p.Properties),
			}
			if kind != "Create" {
				e.PhysicalResourceID = p.Stack + "-" + p.Resource + "-" + m.word(12)
			}
			if kind == "Update" {
				e.OldResourceProperties = properties("old", p.Old)
			}
			return e
		}
	}
	const page = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html"
	return []Sample{
		define("cloudformation:create", page, "a custom resource is made", event("Create")),
		define("cloudformation:update", page, "a custom resource is changed", event("Update")),
		define("cloudformation:delete", page, "a custom resource is deleted", event("Delete")),
	}
}
