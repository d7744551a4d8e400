package sample

// jobEvent is what CodePipeline sends to a function that is an action.
type jobEvent struct {
	Job job `json:"CodePipeline.job"`
}

type job struct {
	ID        string  `json:"id"`
	AccountID string  `json:"accountId"`
	Data      jobData `json:"data"`
}

type jobData struct {
	ActionConfiguration jobAction      `json:"actionConfiguration"`
	InputArtifacts      []jobArtifact  `json:"inputArtifacts"`
	OutputArtifacts     []jobArtifact  `json:"outputArtifacts"`
	ArtifactCredentials jobCredentials `json:"artifactCredentials"`
}

type jobAction struct {
	Configuration jobConfiguration `json:"configuration"`
}

type jobConfiguration struct {
	FunctionName   string
	UserParameters string
}

type jobArtifact struct {
	Location jobLocation `json:"location"`
	Revision *string     `json:"revision"`
	Name     string      `json:"name"`
}

type jobLocation struct {
	S3Location jobObject `json:"s3Location"`
	Type       string    `json:"type"`
}

type jobObject struct {
	BucketName string `json:"bucketName"`
	ObjectKey  string `json:"objectKey"`
}

type jobCredentials struct {
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	AccessKeyID     string `json:"accessKeyId"`
}

type jobParams struct {
	Function   string `default:"my-function" about:"the function's name"`
	Parameters string `default:"some-input" about:"what the action hands over"`
	Bucket     string `default:"my-artifacts" about:"where the artifacts are"`
	Key        string `default:"my-pipeline/artifact.zip" about:"of the input artifact"`
}

func pipelines() []Sample {
	return []Sample{define("codepipeline:job", "https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html", "a job of CodePipeline", func(m *maker, p jobParams) any {
		return jobEvent{job{ID: m.uuid(), AccountID: m.Account, Data: jobData{
			ActionConfiguration: jobAction{jobConfiguration{p.Function, p.Parameters}},
			InputArtifacts:      []jobArtifact{{Location: jobLocation{jobObject{p.Bucket, p.Key}, "S3"}, Name: "ArtifactName"}}, OutputArtifacts: []jobArtifact{},
			ArtifactCredentials: jobCredentials{"not-a-secret", "not-a-token", "AKIAIOSFODNN7EXAMPLE"},
		}}}
	})}
}
