// Package handlebars renders the templates of SES: Handlebars, as far as SES
// documents it.
//
// A template is text with expressions in double braces: variables with paths
// (a.b, a.0, ../a, this, @index, @key, @first, @last, @root), the blocks if,
// unless, each and with, their else and else if, block parameters (as |x i|),
// sections named after a variable and inverted ones, the helper lookup, inline
// partials, comments and ~ for white space. Nothing is escaped, whether braces
// are two or three, as SES says. Other helpers do not exist, and a template that
// calls one is refused when it is parsed.
//
// A variable that the data does not have, or that is null there, is an error
// ([MissingError]), not nothing: SES does not send such a message. In conditions
// it is false.
//
// It is not a general Handlebars: it escapes nothing, takes no helpers and reads
// no files.
//
// Invariants: a template that was parsed can be executed by any number of
// goroutines; what it writes is bounded ([ErrTooLarge]), as is how deep partials
// may call each other; objects are gone through in the order in which the data
// has them.
//
// https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html
// https://handlebarsjs.com/guide/
package handlebars
