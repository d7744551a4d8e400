package sample

// poolEvent is what a user pool of Cognito sends to its triggers. What request
// and response hold depends on the trigger.
type poolEvent struct {
	Version       string         `json:"version"`
	TriggerSource string         `json:"triggerSource"`
	Region        string         `json:"region"`
	UserPoolID    string         `json:"userPoolId"`
	UserName      string         `json:"userName"`
	CallerContext poolCaller     `json:"callerContext"`
	Request       map[string]any `json:"request"`
	Response      map[string]any `json:"response"`
}

type poolCaller struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

type poolChallenge struct {
	Name     string  `json:"challengeName"`
	Result   bool    `json:"challengeResult"`
	Metadata *string `json:"challengeMetadata"`
}

type poolGroups struct {
	Groups        []string `json:"groupsToOverride"`
	Roles         []string `json:"iamRolesToOverride"`
	PreferredRole *string  `json:"preferredRole"`
}

type poolParams struct {
	Pool    string `default:"us-east-1_EXAMPLE01" about:"the user pool's id"`
	Client  string `default:"1example23456789" about:"the app client's id"`
	User    string `default:"ana" about:"the user's name"`
	Email   string `default:"ana@example.com" about:"the user's address"`
	Trigger string `default:"" about:"the trigger's source, where there are several"`
}

// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
func userPools() []Sample {
	const pages = "https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-"
	trigger := func(name, page, about, source, version string, fill func(request, response, attributes map[string]any)) Sample {
		return define("cognito:"+name, pages+page+".html", about, func(m *maker, p poolParams) any {
			trigger := source
			if p.Trigger != "" {
				trigger = p.Trigger
			}
			attributes := map[string]any{"sub": m.uuid(), "email": p.Email, "email_verified": "true", "cognito:user_status": "CONFIRMED"}
			e := poolEvent{
				Version: version, TriggerSource: trigger, Region: m.Region, UserPoolID: p.Pool, UserName: p.User, CallerContext: poolCaller{"aws-sdk-unknown-unknown", p.Client},
				Request: map[string]any{"userAttributes": attributes}, Response: map[string]any{},
			}
			fill(e.Request, e.Response, attributes)
			return e
		})
	}
	session := []poolChallenge{{Name: "SRP_A", Result: true}, {Name: "PASSWORD_VERIFIER", Result: true}}
	groups := poolGroups{Groups: []string{}, Roles: []string{}}
	return []Sample{
		trigger("pre-signup", "pre-sign-up", "somebody signs up", "PreSignUp_SignUp", "1", func(q, r, a map[string]any) {
			delete(a, "sub")
			delete(a, "email_verified")
			delete(a, "cognito:user_status")
			q["validationData"] = nil
			r["autoConfirmUser"], r["autoVerifyEmail"], r["autoVerifyPhone"] = false, false, false
		}),
		trigger("post-confirmation", "post-confirmation", "a user has confirmed", "PostConfirmation_ConfirmSignUp", "1", func(_, _, _ map[string]any) {}),
		trigger("pre-authentication", "pre-authentication", "a user signs in", "PreAuthentication_Authentication", "1", func(q, _, _ map[string]any) { q["validationData"] = nil }),
		trigger("post-authentication", "post-authentication", "a user has signed in", "PostAuthentication_Authentication", "1", func(q, _, _ map[string]any) { q["newDeviceUsed"] = false }),
		trigger("pre-token-generation", "pre-token-generation", "a token is made", "TokenGeneration_HostedAuth", "1", func(q, r, _ map[string]any) {
			q["groupConfiguration"], r["claimsOverrideDetails"] = groups, nil
		}),
		trigger("pre-token-generation-v2", "pre-token-generation", "a token is made, with an access token that can be changed", "TokenGeneration_HostedAuth", "2", func(q, r, _ map[string]any) {
			q["groupConfiguration"], q["scopes"], r["claimsAndScopeOverrideDetails"] = groups, []string{"openid", "email"}, nil
		}),
		trigger("custom-message", "custom-message", "a message to a user is written", "CustomMessage_SignUp", "1", func(q, r, _ map[string]any) {
			q["codeParameter"], q["linkParameter"], q["usernameParameter"] = "{####}", "{##Click Here##}", nil
			r["smsMessage"], r["emailMessage"], r["emailSubject"] = nil, nil, nil
		}),
		trigger("user-migration", "migrate-user", "a user signs in whom the pool does not know", "UserMigration_Authentication", "1", func(q, r, _ map[string]any) {
			delete(q, "userAttributes")
			q["password"], q["validationData"] = "a password", nil
			r["userAttributes"], r["finalUserStatus"], r["messageAction"], r["desiredDeliveryMediums"], r["forceAliasCreation"] = nil, nil, nil, nil, nil
		}),
		trigger("define-auth-challenge", "define-auth-challenge", "it is asked which challenge is next", "DefineAuthChallenge_Authentication", "1", func(q, r, _ map[string]any) {
			q["session"] = session
			r["challengeName"], r["issueTokens"], r["failAuthentication"] = nil, nil, nil
		}),
		trigger("create-auth-challenge", "create-auth-challenge", "a challenge is made", "CreateAuthChallenge_Authentication", "1", func(q, r, _ map[string]any) {
			q["session"], q["challengeName"] = session, "CUSTOM_CHALLENGE"
			r["publicChallengeParameters"], r["privateChallengeParameters"], r["challengeMetadata"] = nil, nil, nil
		}),
		trigger("verify-auth-challenge", "verify-auth-challenge-response", "the answer to a challenge is judged", "VerifyAuthChallengeResponse_Authentication", "1", func(q, r, _ map[string]any) {
			q["privateChallengeParameters"], q["challengeAnswer"] = map[string]string{"answer": "5"}, "5"
			r["answerCorrect"] = nil
		}),
	}
}
