package filter

import (
	"regexp"
	"strings"
)

// maxRegexes is how many regular expressions a pattern may hold.
const maxRegexes = 2

// regex is a pattern that is a regular expression.
type regex struct{ re *regexp.Regexp }

func (r regex) match(message string) bool { return r.re.MatchString(message) }

// standalone takes a pattern that is a regular expression.
func (p *parser) standalone() (matcher, error) {
	re, err := p.regex()
	if err != nil {
		return nil, err
	}
	if p.space(); !p.done() {
		return nil, invalid("%q follows a regular expression", p.in[p.at:])
	}
	return regex{re}, nil
}

// regex takes a regular expression between percentage signs. The language is
// smaller than Go's: no groups, ASCII only, few symbols.
func (p *parser) regex() (*regexp.Regexp, error) {
	start := p.at
	p.at++
	end := strings.IndexByte(p.in[p.at:], '%')
	if end < 0 {
		return nil, invalid("%s has no closing %%", p.in[start:])
	}
	text := p.in[p.at : p.at+end]
	p.at += end + 1
	p.regexes++
	if text == "" {
		return nil, invalid("an empty regular expression")
	}
	if err := checkRegex(text); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(noMinimum(text))
	if err != nil {
		return nil, invalid("%%%s%% is no regular expression", text)
	}
	return re, nil
}

const (
	regexSymbols   = ":_#=@/;,- "
	regexOperators = `^$?[]{}|\*+.`
	regexClasses   = "dDsSwW"
)

// checkRegex refuses what CloudWatch Logs does not support.
func checkRegex(text string) error {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			switch e := text[i]; {
			case strings.IndexByte(regexClasses, e) >= 0, strings.IndexByte(regexSymbols, e) >= 0, strings.IndexByte(regexOperators, e) >= 0:
			case e == 'x' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
				i += 2
			default:
				return invalid(`\%c is not supported in regular expressions`, e)
			}
		case c < 0x80 && isWord(c), strings.IndexByte(regexSymbols, c) >= 0, strings.IndexByte(regexOperators, c) >= 0:
		default:
			return invalid("%q is not supported in regular expressions", text[i:i+1])
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// noMinimum writes {,n} as {0,n}, which is the only form that Go knows.
func noMinimum(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		b.WriteByte(text[i])
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == '{' && i+1 < len(text) && text[i+1] == ',':
			b.WriteByte('0')
		}
	}
	return b.String()
}
