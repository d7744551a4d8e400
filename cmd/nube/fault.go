package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/inject"
)

func (a *app) fault() *cobra.Command {
	c := &cobra.Command{
		Use:   "fault",
		Short: "Make things go wrong on purpose",
		Long: `Make things go wrong in the running cloud, to see what an application does then:
slow and failing calls, throttling, lost connections, killed functions, effects
that come twice or out of order, a full disk.

What happens is real: what was answered with an error after it was served is
done, a killed function is a dead process. Every time is in the trace of what it
befell, as the attribute "fault". Faults are in memory: a new start knows none.`,
		Args: args(cobra.NoArgs),
		Example: `  nube fault add throttle --service dynamodb --probability 0.1
  nube fault list
  nube fault remove f1
  nube fault clear`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.faultAdd(), a.faultList(), a.faultRemove(), a.faultClear())
	return c
}

func (a *app) faultAdd() *cobra.Command {
	var r inject.Rule
	c := &cobra.Command{
		Use:   "add KIND [WHAT]",
		Short: "Make one thing go wrong",
		Long: `Make one thing go wrong, until the fault is removed or has struck --count times.

KINDS
  latency DURATION    calls or invocations wait so long, and up to --jitter more
  error CODE          they are answered with an error: AWS's code, or a function's error type
  throttle            they are answered as if too many had come
  lost                the connections of calls break
  kill [DURATION]     processes of functions are killed so long after they got an event (default: before they see it)
  duplicate           effects and batches are handed over twice
  reorder [DURATION]  effects are held back, up to so long (default 10s), and overtaken; an order that
                      is promised, as in FIFO queues, holds
  disk-full           nothing can be written any more: the cloud stops with what it has acknowledged

WHAT IT BEFALLS
With --service, the calls of a service, by anybody or by --function. The service
"execute-api" is the application's own HTTP requests, whose operations are such
as "POST /users". Without --service, the invocations of --function, however they
come. A star stands for any text: --service '*'.

For duplicate and reorder, --service and --function are of the target.

One fault with one --seed makes the same decisions each time, in their order.`,
		Example: `  nube fault add latency 200ms --jitter 100ms --service dynamodb --operation PutItem
  nube fault add throttle --service dynamodb --function userApi --count 3
  nube fault add error InternalServerError --service sns --probability 0.2 --seed 7
  nube fault add lost --service execute-api --operation 'POST /users' --after
  nube fault add kill 50ms --function dynamoDbProcessor --count 1
  nube fault add duplicate --function dynamoDbProcessor
  nube fault add reorder 5s --service lambda
  nube fault add disk-full`,
		Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := what(&r, given); err != nil {
				return err
			}
			if err := r.Check(); err != nil {
				return usage("%w", err)
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			var got inject.Rule
			if err := cl.control(cmd.Context(), http.MethodPost, "faults", r, &got); err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(got)
			}
			_, err = fmt.Fprintf(a.out, "%s added\n", got.ID)
			return err
		},
	}
	fs := c.Flags()
	fs.StringVar(&r.Service, "service", "", "of which service: dynamodb, lambda, sns, execute-api …")
	fs.StringVar(&r.Operation, "operation", "", "of which of its operations")
	fs.StringVar(&r.Function, "function", "", "of, or by, which function")
	fs.Float64Var(&r.Probability, "probability", 1, "how likely it is each time")
	fs.IntVar(&r.Count, "count", 0, "how often at most (default: without end)")
	fs.Uint64Var(&r.Seed, "seed", 1, "what chance begins with")
	fs.DurationVar(&r.Jitter, "jitter", 0, "latency: up to so much more")
	fs.IntVar(&r.Status, "status", 0, "error: of HTTP (default 500)")
	fs.StringVar(&r.Message, "message", "", "error: what it says")
	fs.BoolVar(&r.After, "after", false, "error, lost: when the call was served")
	return a.remote(c)
}

// what reads the kind of a fault and what belongs to it.
func what(r *inject.Rule, given []string) error {
	r.Kind = inject.Kind(given[0])
	if !(r.Probability > 0 && r.Probability <= 1) {
		return usage("a probability is above 0 and at most 1, not %v", r.Probability)
	}
	if len(given) == 1 {
		return nil
	}
	switch r.Kind {
	case inject.Error:
		r.Code = given[1]
	case inject.Latency, inject.Kill, inject.Reorder:
		var err error
		r.Wait, err = duration(given[1])
		return err
	default:
		return usage("%s takes nothing more, not %q", r.Kind, given[1])
	}
	return nil
}

func (a *app) faultList() *cobra.Command {
	return a.remote(&cobra.Command{
		Use: "list", Short: "Show what goes wrong, and how often it has", Args: args(cobra.NoArgs),
		Example: "  nube fault list\n  nube fault list --output json | jq '.[].hits'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var rules []inject.Rule
			if err := cl.control(cmd.Context(), http.MethodGet, "faults", nil, &rules); err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(rules)
			}
			if len(rules) == 0 {
				_, err := fmt.Fprintln(a.out, "nothing goes wrong on purpose")
				return err
			}
			rows := [][]string{{"ID", "KIND", "WHAT", "BEFALLS", "CHANCE", "HITS"}}
			for _, r := range rules {
				rows = append(rows, []string{r.ID, string(r.Kind), detail(&r), victims(&r), chance(&r), strconv.Itoa(r.Hits)})
			}
			a.table(rows)
			return nil
		},
	})
}

// detail is what a table shows of what happens.
func detail(r *inject.Rule) string {
	words := []string{}
	if r.Wait > 0 {
		words = append(words, r.Wait.String())
	}
	if r.Jitter > 0 {
		words = append(words, "+ up to "+r.Jitter.String())
	}
	if r.Code != "" {
		words = append(words, r.Code, strconv.Itoa(r.Status))
	}
	if r.After {
		words = append(words, "after")
	}
	return or(strings.Join(words, " "), "-")
}

// victims is what a table shows of what is befallen.
func victims(r *inject.Rule) string {
	words := []string{}
	if r.Service != "" {
		words = append(words, r.Service)
	}
	if r.Operation != "" {
		words = append(words, r.Operation)
	}
	if r.Function != "" {
		words = append(words, "function "+r.Function)
	}
	return or(strings.Join(words, ", "), "everything")
}

// chance is what a table shows of how likely it is.
func chance(r *inject.Rule) string {
	text := "always"
	if r.Probability < 1 {
		text = fmt.Sprintf("%v, seed %d", r.Probability, r.Seed)
	}
	if r.Count > 0 {
		text += fmt.Sprintf(", %d times", r.Count)
	}
	return text
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func (a *app) faultRemove() *cobra.Command {
	return a.remote(&cobra.Command{
		Use: "remove ID…", Short: "Let something go well again", Args: args(cobra.MinimumNArgs(1)),
		Example: "  nube fault remove f1 f2",
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			for _, id := range given {
				var none struct{}
				if err := cl.controlQuery(cmd.Context(), http.MethodDelete, "faults", url.Values{"id": {id}}.Encode(), &none); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

func (a *app) faultClear() *cobra.Command {
	return a.remote(&cobra.Command{
		Use: "clear", Short: "Let everything go well again", Args: args(cobra.NoArgs),
		Example: "  nube fault clear",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var none struct{}
			return cl.controlQuery(cmd.Context(), http.MethodDelete, "faults", "", &none)
		},
	})
}
