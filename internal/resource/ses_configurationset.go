package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/stack"
)

// configurationSet is AWS::SES::ConfigurationSet. Ref is its name.
type configurationSet struct{ base }

func refusedOfConfigurationSet() []string {
	return []string{"ArchivingOptions", "SuppressionOptions.ValidationOptions"}
}

func ignoredOfConfigurationSet() []stack.Ignored {
	const network = "mail goes through no network of AWS's"
	return []stack.Ignored{
		{Property: "DeliveryOptions", Why: network},
		{Property: "ReputationOptions", Why: network},
		{Property: "TrackingOptions", Why: "links in mail are left as they are"},
		{Property: "VdmOptions", Why: network},
	}
}

func sesTag(k, v string) sesv2.Tag { return sesv2.Tag{Key: &k, Value: &v} }

func (t configurationSet) progress(r stack.Request) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID}
}

func (t configurationSet) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &sesv2.CreateConfigurationSetRequest{ConfigurationSetName: &r.PhysicalID, Tags: pairs(tagMap(r.Properties), sesTag)}
	err := bind(in, r.Properties, "Name", "Tags", "DeliveryOptions", "ReputationOptions", "TrackingOptions", "VdmOptions")
	if err != nil {
		return stack.Progress{}, err
	}
	err = run(ctx, t.base, sesv2.CreateConfigurationSet, in)
	if r.Again && present(err) {
		return t.Update(ctx, r)
	}
	return t.progress(r), err
}

func (t configurationSet) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if changed(r.Old, r.Properties, "SendingOptions") || r.Again {
		enabled := !r.Properties.Has("SendingOptions") || has(r.Properties, "SendingOptions", "SendingEnabled")
		err := run(ctx, t.base, sesv2.PutConfigurationSetSendingOptions, &sesv2.PutConfigurationSetSendingOptionsRequest{ConfigurationSetName: &r.PhysicalID, SendingEnabled: &enabled})
		if err != nil {
			return t.progress(r), err
		}
	}
	if changed(r.Old, r.Properties, "SuppressionOptions") {
		in := &sesv2.PutConfigurationSetSuppressionOptionsRequest{ConfigurationSetName: &r.PhysicalID}
		if o := r.Properties.Get("SuppressionOptions"); o != nil {
			in.SuppressedReasons = texts(o, "SuppressedReasons")
		}
		if err := run(ctx, t.base, sesv2.PutConfigurationSetSuppressionOptions, in); err != nil {
			return t.progress(r), err
		}
	}
	return t.progress(r), retagSES(ctx, t.base, r, "configuration-set/"+r.PhysicalID)
}

// retagSES brings the tags of one of SES's resources to what they should be.
func retagSES(ctx context.Context, b base, r stack.Request, resource string) error {
	arn := r.Stack.Scope.Of("ses", resource).String()
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, b, sesv2.UntagResource, &sesv2.UntagResourceRequest{ResourceArn: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) > 0 {
		return run(ctx, b, sesv2.TagResource, &sesv2.TagResourceRequest{ResourceArn: &arn, Tags: pairs(set, sesTag)})
	}
	return nil
}

func (t configurationSet) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, sesv2.DeleteConfigurationSet, &sesv2.DeleteConfigurationSetRequest{ConfigurationSetName: &r.PhysicalID}))
}

func (t configurationSet) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, t.base, sesv2.GetConfigurationSet, &sesv2.GetConfigurationSetRequest{ConfigurationSetName: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{}, nil
}
