package cloud

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/watch"
)

// Reload is what became of a change of an application's files.
type Reload struct {
	Files []string // that changed; a directory stands for its names
	// Deployment is what stands now; nil with an error, and then everything is
	// as it was: what served before serves on.
	Deployment *control.Deployment
	Err        error
	Steps      []control.DeployEvent
	Took       time.Duration
}

// drained is how long instances may need what they were started from after
// others have taken over: Lambda's longest time-out.
const drained = 15 * time.Minute

// sweep removes code that no function has any more, unless others share it.
func (c *Cloud) sweep(ctx context.Context) error {
	if c.opts.Code != "" {
		return nil
	}
	if err := c.deploying.take(ctx); err != nil {
		return err
	}
	defer c.deploying.Unlock()
	used, err := c.parts.lambda.InUse(ctx)
	if err != nil {
		return err
	}
	if err := (snapshots{c}).keep(used); err != nil {
		return err
	}
	return c.builds.Sweep(used, drained)
}

// Watch deploys r again whenever a file changes that the last deployment was
// made of, until ctx ends. Traffic changes over to new code when an instance of
// it is ready, so no request notices; after a mistake what served before serves
// on. tell is told of each change, unless it changes nothing of the stack and
// takes back no mistake.
func (c *Cloud) Watch(ctx context.Context, r control.DeployRequest, tell func(Reload)) error {
	w, err := watch.New()
	if err != nil {
		return err
	}
	defer w.Close()
	c.deploying.Lock()
	inputs := c.madeOf
	c.deploying.Unlock()
	if err := w.Watch(inputs); err != nil {
		return unnoticed(err)
	}
	var machine clock.Machine
	var files []string // none yet: what has changed between reading and watching
	mistaken := false
	for {
		began := machine.Now()
		var steps []control.DeployEvent
		d, err := c.Deploy(ctx, r, func(e control.DeployEvent) {
			if e.Phase != "warning" { // known since the start
				steps = append(steps, e)
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || d.Changed || mistaken {
			tell(Reload{Files: files, Deployment: d, Err: err, Steps: steps, Took: machine.Since(began)})
		}
		if mistaken = err != nil; !mistaken {
			if err := c.sweep(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("removing code that is not used any more", "err", err)
			}
		}
		c.deploying.Lock()
		if mistaken { // what stands is still made of what it was made of
			inputs = slices.Concat(inputs, c.madeOf)
			slices.Sort(inputs)
			inputs = slices.Compact(inputs)
		} else {
			inputs = c.madeOf
		}
		c.deploying.Unlock()
		if err := w.Watch(inputs); err != nil {
			return unnoticed(err)
		}
		var ok bool
		select {
		case <-ctx.Done():
			return nil
		case files, ok = <-w.Changes():
			if !ok {
				return nil
			}
		}
	}
}

func unnoticed(err error) error { return fmt.Errorf("changes of files are not noticed: %w", err) }
