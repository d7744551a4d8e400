package sns

import (
	"encoding/json"

	"github.com/nube-run/nube/internal/fault"
)

// readStructure reads a message of MessageStructure json: an object with a text
// for each protocol, and one for all others. What is no text is not there.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
func (m *message) readStructure() *fault.Error {
	var texts map[string]any
	if err := json.Unmarshal([]byte(m.text), &texts); err != nil {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	byProtocol := make(map[string]string, len(texts))
	for protocol, v := range texts {
		if text, ok := v.(string); ok {
			byProtocol[protocol] = text
		}
	}
	def, ok := byProtocol["default"]
	if !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	m.text, m.byProtocol = def, byProtocol
	return nil
}
