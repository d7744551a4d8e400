package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

func (a *app) mailShow() *cobra.Command {
	var q mailQuery
	var raw, html bool
	file := -1
	c := &cobra.Command{
		Use:   "show [MAIL]",
		Short: "Show one mail",
		Long: `Show one mail: its header, what became of it for each recipient, and its text.
` + mailWords + `

EXIT CODES
  0  it is shown
  1  there is no such mail, or no such part of it`,
		Example: `  nube mail show
  nube mail show 3 --html > page.html
  nube mail show --to ana --raw        as it was sent
  nube mail show 2 --attachment 0 > invoice.pdf`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			id, err := cl.mailID(cmd.Context(), &q, given)
			if err != nil {
				return err
			}
			switch {
			case raw:
				return a.copyMail(cmd.Context(), cl, id+"/raw")
			case file >= 0:
				return a.copyMail(cmd.Context(), cl, fmt.Sprintf("%s/files/%d", id, file))
			}
			l, err := cl.letter(cmd.Context(), id)
			if err != nil {
				return err
			}
			switch {
			case html && l.HTML == "":
				return fmt.Errorf("the mail %s has no HTML", id)
			case html:
				_, err := fmt.Fprintln(a.out, l.HTML)
				return err
			}
			return a.showLetter(l)
		},
	}
	q.register(c)
	c.Flags().BoolVar(&raw, "raw", false, "all of it as it was sent")
	c.Flags().BoolVar(&html, "html", false, "its HTML alone")
	c.Flags().IntVar(&file, "attachment", -1, "the attachment with this number alone, counted from 0")
	return a.remote(c)
}

func (a *app) mailLinks() *cobra.Command {
	var q mailQuery
	c := &cobra.Command{
		Use:   "links [MAIL]",
		Short: "Print the links in one mail",
		Long: `Print the links in one mail, one a line, to be opened with a browser or curl: the
one that verifies an address or confirms a subscription, say.
` + mailWords + `

EXIT CODES
  0  there are links
  1  there are none, or there is no such mail`,
		Example: `  curl "$(nube mail links --subject verification | head -1)"
  nube mail links 2`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			id, err := cl.mailID(cmd.Context(), &q, given)
			if err != nil {
				return err
			}
			l, err := cl.letter(cmd.Context(), id)
			if err != nil {
				return err
			}
			links := linksIn(l.Text, l.HTML)
			if a.output == "json" {
				if err := a.json(links); err != nil {
					return err
				}
			} else {
				for _, link := range links {
					fmt.Fprintln(a.out, link)
				}
			}
			if len(links) == 0 {
				return fmt.Errorf("there are no links in the mail %q", l.Subject)
			}
			return nil
		},
	}
	q.register(c)
	return a.remote(c)
}

// letter opens a mail.
func (c *client) letter(ctx context.Context, id string) (*control.Letter, error) {
	var l control.Letter
	err := c.controlQuery(ctx, http.MethodGet, "mail/"+url.PathEscape(id), c.in(url.Values{}).Encode(), &l)
	return &l, err
}

// copyMail writes a part of a mail as it is.
func (a *app) copyMail(ctx context.Context, cl *client, path string) error {
	resp, err := cl.call(ctx, control.Service, http.MethodGet, control.Prefix+"mail/"+path, cl.in(url.Values{}).Encode(), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(a.out, resp.Body)
	return err
}

// showLetter writes an opened mail.
func (a *app) showLetter(l *control.Letter) error {
	if a.output == "json" {
		return a.json(l)
	}
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.out, "%s %s\n", paint(a.out, "2", fmt.Sprintf("%-9s", name+":")), value)
		}
	}
	field("Id", l.ID)
	field("Date", l.Time.Format(time.RFC1123Z))
	field("From", l.From)
	field("To", strings.Join(l.To, ", "))
	field("Cc", strings.Join(l.Cc, ", "))
	field("Bcc", strings.Join(l.Bcc, ", "))
	field("Subject", l.Subject)
	field("Template", l.Template)
	for i, f := range l.Files {
		field("File "+strconv.Itoa(i), fmt.Sprintf("%s (%s, %d bytes)", f.Name, f.Type, f.Size))
	}
	for _, r := range l.Recipients {
		if r.State != "kept" {
			field("Delivery", strings.TrimSuffix(r.Address+": "+r.State+", "+r.Detail, ", "))
		}
	}
	if len(l.Unverified) > 0 {
		field("Warning", strings.Join(l.Unverified, ", ")+" is not verified: AWS would refuse to send this")
	}
	field("Failure", l.Failure)
	text := l.Text
	if text == "" && l.HTML != "" {
		text = "(HTML only: nube mail show " + l.ID + " --html)"
	}
	_, err := fmt.Fprintf(a.out, "\n%s\n", strings.TrimRight(text, "\n"))
	return err
}
