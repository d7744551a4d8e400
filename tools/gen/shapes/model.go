package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// model is the part of an api-2.json that we read.
type model struct {
	Metadata   metadata             `json:"metadata"`
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]*shape    `json:"shapes"`
}

type metadata struct {
	APIVersion          string          `json:"apiVersion"`
	EndpointPrefix      string          `json:"endpointPrefix"`
	JSONVersion         string          `json:"jsonVersion"`
	Protocol            string          `json:"protocol"`
	ServiceFullName     string          `json:"serviceFullName"`
	SigningName         string          `json:"signingName"`
	TargetPrefix        string          `json:"targetPrefix"`
	XMLNamespace        string          `json:"xmlNamespace"`
	AWSQueryCompatible  json.RawMessage `json:"awsQueryCompatible"`
	ServiceAbbreviation string          `json:"serviceAbbreviation"`
}

type operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input  *ref  `json:"input"`
	Output *ref  `json:"output"`
	Errors []ref `json:"errors"`
}

type xmlns struct {
	URI string
}

// UnmarshalJSON accepts both spellings of the models: an object with a uri, and the uri alone.
func (x *xmlns) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &x.URI)
	}
	var o struct {
		URI string `json:"uri"`
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	x.URI = o.URI
	return nil
}

type ref struct {
	Shape            string `json:"shape"`
	Location         string `json:"location"`
	LocationName     string `json:"locationName"`
	QueryName        string `json:"queryName"`
	ResultWrapper    string `json:"resultWrapper"`
	Flattened        bool   `json:"flattened"`
	XMLAttribute     bool   `json:"xmlAttribute"`
	IdempotencyToken bool   `json:"idempotencyToken"`
	XMLNamespace     *xmlns `json:"xmlNamespace"`
	Streaming        bool   `json:"streaming"`
	TimestampFormat  string `json:"timestampFormat"`
}

type shape struct {
	Type            string          `json:"type"`
	RawMembers      json.RawMessage `json:"members"`
	Required        []string        `json:"required"`
	Member          *ref            `json:"member"`
	Key             *ref            `json:"key"`
	Value           *ref            `json:"value"`
	Min             *float64        `json:"min"`
	Max             *float64        `json:"max"`
	Pattern         string          `json:"pattern"`
	Enum            []string        `json:"enum"`
	Flattened       bool            `json:"flattened"`
	Payload         string          `json:"payload"`
	Exception       bool            `json:"exception"`
	Fault           bool            `json:"fault"`
	Sensitive       bool            `json:"sensitive"`
	Streaming       bool            `json:"streaming"`
	EventStream     bool            `json:"eventstream"`
	LocationName    string          `json:"locationName"`
	XMLNamespace    *xmlns          `json:"xmlNamespace"`
	TimestampFormat string          `json:"timestampFormat"`
	Error           *struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
		SenderFault    bool   `json:"senderFault"`
	} `json:"error"`

	order   []string
	members map[string]ref
}

func loadModel(path string) (*model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := new(model)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for name, s := range m.Shapes {
		if err := s.read(); err != nil {
			return nil, fmt.Errorf("%s: shape %s: %w", path, name, err)
		}
	}
	// Streaming stands on the member in some models and on the shape in others.
	for _, s := range m.Shapes {
		for _, r := range s.members {
			if r.Streaming {
				m.Shapes[r.Shape].Streaming = true
			}
		}
	}
	return m, nil
}

// read takes the members apart, in their order.
func (s *shape) read() (err error) {
	if s.RawMembers == nil {
		return nil
	}
	if err := json.Unmarshal(s.RawMembers, &s.members); err != nil {
		return err
	}
	s.order, err = keys(s.RawMembers)
	return err
}

// keys returns an object's keys in the order of the text: XML is written in it.
func keys(raw json.RawMessage) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		out = append(out, t.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return nil, err
		}
	}
	return out, nil
}
