package sample

import "encoding/json"

// ruleEvent is what AWS Config sends to a function that judges a rule.
type ruleEvent struct {
	InvokingEvent    string `json:"invokingEvent"` // JSON in a text
	RuleParameters   string `json:"ruleParameters"`
	ResultToken      string `json:"resultToken"`
	EventLeftScope   bool   `json:"eventLeftScope"`
	ExecutionRoleARN string `json:"executionRoleArn"`
	ConfigRuleARN    string `json:"configRuleArn"`
	ConfigRuleName   string `json:"configRuleName"`
	ConfigRuleID     string `json:"configRuleId"`
	AccountID        string `json:"accountId"`
	Version          string `json:"version"`
}

type ruleOfConfigParams struct {
	Rule       string `default:"my-rule" about:"the rule's name"`
	Parameters string `default:"{\"myParameterKey\":\"myParameterValue\"}" about:"of the rule, a JSON object"`
}

func configRules() []Sample {
	return []Sample{define("config:periodic", "https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html", "a rule of AWS Config is judged", func(m *maker, p ruleOfConfigParams) any {
		parsed[map[string]json.RawMessage](m, "parameters", p.Parameters)
		id := "config-rule-" + m.word(6)
		invoking, err := json.Marshal(map[string]string{
			"awsAccountId": m.Account, "notificationCreationTime": m.iso(), "messageType": "ScheduledNotification", "recordVersion": "1.0",
		})
		if err != nil && m.err == nil {
			m.err = err
		}
		return ruleEvent{
			InvokingEvent: string(invoking), RuleParameters: p.Parameters, ResultToken: m.hex(32), ExecutionRoleARN: "arn:aws:iam::" + m.Account + ":role/config-role",
			ConfigRuleARN: m.arn("config", "config-rule/"+id), ConfigRuleName: p.Rule, ConfigRuleID: id, AccountID: m.Account, Version: "1.0",
		}
	})}
}
