package cloud

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/manifest/serverless/variables"
)

// variableSource answers the variables of a manifest that ask a running cloud.
type variableSource struct{ c *Cloud }

// StackOutput implements [variables.Cloud].
func (v variableSource) StackOutput(ctx context.Context, region, name, output string) (string, bool, error) {
	if region == "" {
		region = v.c.opts.Region
	}
	st, err := v.c.parts.stacks.Stack(ctx, arn.In(region, v.c.opts.Account), name)
	if err != nil {
		return "", false, nil // no such stack: the variable's next source is asked
	}
	for _, o := range st.Outputs {
		if o.Key == output {
			return o.Value, true, nil
		}
	}
	return "", false, nil
}

// Parameter implements [variables.Cloud]. Whoever deploys reads it: the account's
// root.
func (v variableSource) Parameter(ctx context.Context, region, name string, decrypt bool) (variables.Parameter, bool, error) {
	if region == "" {
		region = v.c.opts.Region
	}
	ctx = v.c.asRoot(ctx, arn.In(region, v.c.opts.Account))
	out, err := awsapi.Do(ctx, v.c.front, ssm.GetParameter, &ssm.GetParameterRequest{Name: &name, WithDecryption: &decrypt})
	if fault.Is(err, "ParameterNotFound") {
		return variables.Parameter{}, false, nil
	}
	if err != nil {
		return variables.Parameter{}, false, err
	}
	return variables.Parameter{Type: *out.Parameter.Type, Value: *out.Parameter.Value}, true, nil
}

// Object implements [variables.Cloud].
func (variableSource) Object(context.Context, string, string) (string, bool, error) {
	return "", false, errors.New("${s3:} needs S3, which this cloud does not offer; use ${file()}")
}
