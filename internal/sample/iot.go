package sample

import "encoding/json"

// buttonEvent is what an IoT button sends.
type buttonEvent struct {
	SerialNumber   string `json:"serialNumber"`
	ClickType      string `json:"clickType"`
	BatteryVoltage string `json:"batteryVoltage"`
}

type buttonParams struct {
	Serial string `default:"ABCDEFG12345" about:"the button's serial number"`
	Click  string `default:"SINGLE" about:"SINGLE, DOUBLE or LONG"`
}

type thingParams struct {
	Message string `default:"{\"temperature\":21.5}" about:"what the rule has selected, JSON"`
}

func things() []Sample {
	return []Sample{
		define("iot:button", "https://docs.aws.amazon.com/lambda/latest/dg/services-iot.html", "a button was pressed", func(_ *maker, p buttonParams) any {
			return buttonEvent{p.Serial, p.Click, "2000 mV"}
		}),
		define("iot:rule", "https://docs.aws.amazon.com/iot/latest/developerguide/lambda-rule-action.html", "a message that a rule has selected", func(m *maker, p thingParams) any {
			return parsed[json.RawMessage](m, "message", p.Message)
		}),
	}
}
