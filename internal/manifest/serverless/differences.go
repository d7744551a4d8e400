package serverless

// Difference is something that nube does otherwise than the Framework, on purpose.
type Difference struct {
	Name      string // short, for tests
	About     string // what it concerns
	Framework string // what the Framework does
	Nube      string // what nube does
	Why       string
	Template  bool // it shows in the compiled template: the oracle test takes it out before comparing
}

// Differences is the list of all differences. docs/serverless-differences.md is made of it, and the oracle test fails on any
// difference that is not in it.
func Differences() []Difference {
	return []Difference{
		{
			Name: "deployment-bucket", Template: true,
			About:     "The deployment bucket",
			Framework: "Adds ServerlessDeploymentBucket, its policy and the output ServerlessDeploymentBucketName.",
			Nube:      "Adds none of them, and ignores provider.deploymentBucket and its settings.",
			Why:       "Nothing is uploaded before a deployment: the code is on the machine.",
		},
		{
			Name: "code", Template: true,
			About:     "The code of functions",
			Framework: "Code is {S3Bucket, S3Key} of an uploaded zip file.",
			Nube:      `Code is {"nube:Path": path in the project}, and {"nube:Artifact": digest} once it is built.`,
			Why:       "As above; and a digest makes an unchanged function an unchanged resource.",
		},
		{
			Name: "layer-content", Template: true,
			About:     "The content of layers",
			Framework: "Content is {S3Bucket, S3Key}; the outputs ...LambdaLayerHash and ...LambdaLayerS3Key remember it; retain: true puts the hash into the logical id.",
			Nube:      `Content is {"nube:Path": path} and {"nube:Artifact": digest}; the two outputs are missing; retain: true sets DeletionPolicy and leaves the id alone.`,
			Why:       "The outputs serve the Framework's own upload, and the digest is not known before the layer is built.",
		},
		{
			Name: "version-id", Template: true,
			About:     "The logical ids of versions",
			Framework: "...LambdaVersion<hash> where the hash is of configuration and code, with CodeSha256 in the properties.",
			Nube:      "...LambdaVersion<hash> where the hash is of the configuration. CodeSha256 is set when the code is built, and replaces the version when it changes.",
			Why:       "The template is compiled before the code is built.",
		},
		{
			Name: "deployment-id", Template: true,
			About:     "The logical id of the REST API's deployment",
			Framework: "ApiGatewayDeployment<time>: every deployment of the service publishes the API anew.",
			Nube:      "ApiGatewayDeployment<hash of the API>: it is published anew when it changed.",
			Why:       "A template that is the same for the same input, and no work for an API that did not change.",
		},
		{
			Name: "deployment-waits", Template: true,
			About:     "What the REST API's deployment is made after",
			Framework: "The methods.",
			Nube:      "The methods, and the gateway responses among the manifest's own resources.",
			Why:       "A deployment is a snapshot: one that is made before a gateway response would answer without it.",
		},
		{
			Name: "stage-settings", Template: true,
			About:     "Access logs, tracing, metrics and tags of the REST API's stage",
			Framework: "Calls the API after the stack is deployed.",
			Nube:      "StageDescription of the deployment.",
			Why:       "One stack is the whole truth; nothing has to happen after it.",
		},
		{
			Name: "account-role", Template: true,
			About:     "The role with which API Gateway writes logs (provider.logs.restApi)",
			Framework: "A custom resource with a function and a role of its own sets it for the account.",
			Nube:      "No custom resource: logs are written without it.",
			Why:       "The platform needs no permission from the account to write its logs.",
		},
		{
			Name: "mapping-templates", Template: true,
			About:     "The default request templates of the integration lambda (and of async: true)",
			Framework: "The Framework's Velocity text.",
			Nube:      "Our own Velocity text, which makes the same events.",
			Why:       "It is the events that functions depend on.",
		},
		{
			Name:      "provider-defaults",
			About:     "${self:provider.stage} and ${self:provider.region} when the manifest does not set them",
			Framework: "Version 2 filled in the option, dev and us-east-1; version 3 and osls fail.",
			Nube:      "As version 2.",
			Why:       "Manifests written for it are common, and there is no other sensible answer.",
		},
		{
			Name:      "instance-id",
			About:     "${sls:instanceId}",
			Framework: "The time of the run.",
			Nube:      "What the caller says, so that a template can be the same twice.",
			Why:       "A change of nothing should change nothing.",
		},
		{
			Name:      "versions",
			About:     "frameworkVersion",
			Framework: "Fails when its own version does not fit.",
			Nube:      "Reports only what is not a version range.",
			Why:       "Manifests of versions 1 to 4 are read alike.",
		},
		{
			Name:      "validation-mode",
			About:     "configValidationMode: warn and off",
			Framework: "Every finding becomes a warning, or nothing.",
			Nube:      "Unknown keys become warnings. A value of the wrong type stays an error.",
			Why:       "A wrong type would be compiled into something that nobody wrote.",
		},
		{
			Name:      "runtimes",
			About:     "Runtimes",
			Framework: "Accepts those that Lambda still creates functions with; everything else is an error.",
			Nube:      "Accepts provided.*, go1.x, nodejs*.x and python3.*, also versions that Lambda has retired; refuses Java, .NET and Ruby.",
			Why:       "The function runs on this machine, with the interpreter that it has.",
		},
		{
			Name:      "handlers",
			About:     "Handlers of provided.* and go1.x",
			Framework: "Any text: what it means is the runtime's affair.",
			Nube:      "A Go package to build, a Go file in it, an executable, or a directory with a bootstrap.",
			Why:       "Go functions run without a build step of their own.",
		},
		{
			Name:      "refused",
			About:     "What nube has no service for",
			Framework: "Container images, durable functions, events of existing buckets (s3 with existing: true), and the events activemq, alb, alexaSkill, alexaSmartHome, cloudFront, cognitoUserPool, iot, iotFleetProvisioning, kafka, msk, rabbitmq and websocket.",
			Nube:      "Refuses them by name, with the place and what would work.",
			Why:       "Success is never reported for something that was not done.",
		},
		{
			Name:      "stars",
			About:     "http events with * as path or method",
			Framework: "Compiles a logical id with a star, which CloudFormation refuses.",
			Nube:      "Refuses it, and names {proxy+} and ANY.",
			Why:       "The error belongs to the line that caused it.",
		},
		{
			Name:      "duplicate-routes",
			About:     "Two http events with the same method and path",
			Framework: "The second silently takes the place of the first.",
			Nube:      "An error that names both places.",
			Why:       "One of the two functions would never be called.",
		},
		{
			Name:      "programs",
			About:     "serverless.ts, serverless.js, and ${file} of a program",
			Framework: "Runs them.",
			Nube:      "Refuses them, and says how to write them out.",
			Why:       "Reading a manifest must not run code.",
		},
		{
			Name:      "plugins",
			About:     "plugins",
			Framework: "Loads them into its process.",
			Nube:      "Warns of each, unless it does what nube does anyway (serverless-offline and its like).",
			Why:       "They are code for another program. What they add to a manifest is an unknown key here.",
		},
	}
}
