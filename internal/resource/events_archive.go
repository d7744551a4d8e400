package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/stack"
)

// eventArchive is AWS::Events::Archive. Ref is its name.
type eventArchive struct{ base }

func (e eventArchive) progress(r stack.Request) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Arn": r.Stack.Scope.Of("events", "archive/"+r.PhysicalID).String()}}
}

func (e eventArchive) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.CreateArchiveRequest{ArchiveName: &r.PhysicalID}
	if err := bind(in, r.Properties, "ArchiveName", "SourceArn=EventSourceArn"); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, e.base, events.CreateArchive, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return e.progress(r), nil
}

func (e eventArchive) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.UpdateArchiveRequest{ArchiveName: &r.PhysicalID, Description: ptr(""), EventPattern: ptr(""), RetentionDays: ptr(int32(0))}
	if err := bind(in, r.Properties, "ArchiveName", "SourceArn"); err != nil {
		return stack.Progress{}, err
	}
	return e.progress(r), run(ctx, e.base, events.UpdateArchive, in)
}

func (e eventArchive) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, e.base, events.DeleteArchive, &events.DeleteArchiveRequest{ArchiveName: &r.PhysicalID}))
}

func (e eventArchive) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, e.base, events.DescribeArchive, &events.DescribeArchiveRequest{ArchiveName: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return e.progress(r).Attrs, nil
}
