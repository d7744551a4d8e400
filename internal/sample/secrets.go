package sample

// rotationEvent is what Secrets Manager sends to a function that rotates a
// secret.
type rotationEvent struct {
	Step               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	RotationToken      string `json:",omitempty"`
}

type rotationParams struct {
	Secret string `default:"my-secret" about:"the secret's name"`
	Step   string `default:"createSecret" about:"createSecret, setSecret, testSecret or finishSecret"`
}

func secrets() []Sample {
	return []Sample{define("secretsmanager:rotation", "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html", "a step of a secret's rotation", func(m *maker, p rotationParams) any {
		return rotationEvent{p.Step, m.arn("secretsmanager", "secret:"+p.Secret+"-"+m.word(6)), m.uuid(), m.uuid()}
	})}
}
