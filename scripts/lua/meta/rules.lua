---@meta
-- What rule files can use, for editors with the Lua language server. Nothing here is run.

---@alias rp.patterns string|string[] PCRE2 patterns; of a list, any one

---@class rp.session A conversation's variables: texts, numbers, booleans and plain tables of them. Assign whole values.
---@field [string] any

---@class rp.message
---@field role "system"|"user"|"assistant"|"tool"
---@field text string

---@class rp.response What an HTTP call came to.
---@field ok boolean status 200 to 299
---@field status integer 0: there was no response
---@field body string
---@field type string the Content-Type
---@field json any? the body, where it is JSON
---@field error string? why `ok` is false
---@field unknown boolean? in a dialog: the process died while the request was out, and nobody knows whether it was done

---@class rp.request
---@field headers table<string, string>?
---@field json any? sent as JSON
---@field body string?
---@field timeout number? seconds [10]
---@field idempotent boolean? in a dialog: may be sent again, with the same Idempotency-Key, when its outcome is not known

---@class rp.question
---@field match rp.patterns? what an answer must meet; the group `value`, or all of the match, is the answer
---@field choices table? a list of answers, or a table from value to patterns
---@field again string? said when the answer does not fit [the question]
---@field tries integer? answers before it is given up [3]
---@field otherwise (string|fun(t: rp.turn): any)? then: the dialog ends with this text, or the function answers [nil, "tries"]
---@field timeout string|number? "10m", or seconds; then the answer is nil, "timeout" [the dialog's]
---@field check fun(answer: any): any, string? true or a value takes the answer; false and a text refuses it; may wait

---@class rp.confirmation
---@field yes rp.patterns? [common words of many languages]
---@field no rp.patterns?
---@field again string?
---@field tries integer?
---@field otherwise (string|fun(t: rp.turn): any)?
---@field timeout string|number?

---@class rp.slot
---@field name string? in a list
---@field ask string? the question; not for an optional slot
---@field match rp.patterns? what a direct answer must meet; without it any answer will do
---@field find rp.patterns? where to find the value in a longer sentence [match]; the group `value`, or all of it
---@field choices table?
---@field check fun(answer: any): any, string?
---@field again string?
---@field tries integer? answers without any value before the form is given up [3]
---@field timeout string|number?
---@field optional boolean? taken where it is said, never asked for

---@class rp.form Slots in a list are asked for in its order, others in the order of their names.
---@field [integer|string] rp.slot
---@field confirm string? said at the end, with {name} for each slot, and answered with yes, no or a correction

---@class rp.shape How a model is asked.
---@field system string|fun(t: rp.turn): string?, table?
---@field examples { user: string, assistant: string }[]?
---@field temperature number?
---@field top_p number?
---@field max_tokens integer?
---@field stop string|string[]?
---@field tools string|string[]|nil names of declared tools that the model may call
---@field schema table? JSON Schema (draft 2020-12) that the reply must fit
---@field tries integer? with schema: how often a reply that does not fit is asked for again, up to 10 [2]
---@field grammar string? GBNF, for models that take one; not together with schema
---@field model string? a name in the bot file's models { }, instead of the one that would be asked

---@class rp.generation: rp.shape
---@field system string?
---@field prompt string? [t.text]
---@field history integer|boolean|nil earlier messages that go along; true: 20 [0]

---@class rp.failure Why a model gave nothing of use.
---@field code string "upstream_timeout", "upstream_misfit", "budget_spent", …
---@field message string

---@class rp.turn
---@field text string the message as the user wrote it
---@field match table<string|integer, string> what the pattern captured: by name and by number; [0] is all of it
---@field session rp.session
---@field user string? who writes, where that is known
---@field lang string guessed from the message; assign to keep one for the session
---@field now integer seconds since 1970
---@field history rp.message[] earlier messages, oldest first
---@field metadata table what the client sent along
---@field config table the option `config` of the stage
---@field id string the request id
local turn = {}

---@param url string
---@param options rp.request?
---@return rp.response
function turn:get(url, options) end

---@param url string
---@param options rp.request?
---@return rp.response
function turn:post(url, options) end

---@param seconds number
function turn:sleep(seconds) end

---Passes the conversation on to a person. Return what it gives, or a text of your own.
---@param reason string?
function turn:handoff(reason) end

---Gives a conversation that a person had back to the bot.
function turn:release() end

---Ends the rules: what stands behind them in the pipeline answers. Return what it gives. With a shape, the model behind
---the rules is asked so.
---@param shape rp.shape?
function turn:pass(shape) end

---Tells the world outside, when the turn has ended well.
---@param name string
---@param data any?
function turn:event(name, data) end

---Asks a model and waits for all of its reply: a text, with `schema` what its JSON says. nil and why where it failed. A text
---instead of the table is the prompt.
---@param options rp.generation|string
---@return any reply
---@return rp.failure? why
function turn:generate(options) end

---Which of the labels fits the text best. The default, or nil, and why where the model named none, also when asked again.
---@param text string
---@param labels string[]|table<string, string> labels, or labels with what they mean; at most 64
---@param options { model: string?, system: string?, examples: { user: string, assistant: string }[]?, default: any }?
---@return string? label
---@return rp.failure? why
function turn:classify(text, labels, options) end

---What the text says, as a value that fits the schema; nil and why where the model did not manage, in `tries` corrections [2].
---@param text string
---@param schema table JSON Schema (draft 2020-12)
---@param options { model: string?, system: string?, tries: integer? }?
---@return any value
---@return rp.failure? why
function turn:extract(text, schema, options) end

---Only in dialogs: asks, and goes on with the user's next message.
---@param prompt string
---@param options rp.question?
---@return any answer
---@return string|table|nil why "timeout" or "tries" where the answer is nil; with `match` what was captured
function turn:ask(prompt, options) end

---Only in dialogs: a question that is answered with yes or no.
---@param prompt string
---@param options rp.confirmation?
---@return boolean?
---@return string? why "timeout" or "tries" where it is nil
function turn:confirm(prompt, options) end

---Only in dialogs: lines in front of what follows. A table at the end fills in {name} in all of them.
---@param text string
---@param ... string|table
function turn:say(text, ...) end

---Only in dialogs: fills slots in any order, from one sentence or several.
---@param form rp.form
---@return table<string, any>? values
---@return string? why "no", "tries" or "timeout" where there are none
function turn:form(form) end

---Only in dialogs: another dialog's function, as a part of this one.
---@param name string
---@param ... any
---@return any
function turn:call(name, ...) end

---Only in dialogs: ends it, with this text or the declared `cancelled`.
---@param text string?
function turn:cancel(text) end

---@alias rp.reply fun(t: rp.turn): string|nil|false, table?

---@class rp.rule
---@field match rp.patterns
---@field reply string|string[]|rp.reply a text with {name} for captures; several: one of them; a function may return nil to decline
---@field generate rp.shape? instead of `reply`: shapes the model's call
---@field when (fun(t: rp.turn): boolean?)?
---@field priority integer? higher comes first [0]
---@field interrupt boolean? also answers while a dialog waits for an answer
---@field with_person boolean? also answers while a person has the conversation
---@field guards string[]? guards with always = false that look at its reply
---@field description string?

---@class rp.dialog
---@field match rp.patterns
---@field run fun(t: rp.turn, ...): string?, table? runs again from its start with every message, against its journal
---@field when (fun(t: rp.turn): boolean?)? asked when it could begin, not later
---@field priority integer?
---@field interrupt boolean? also begins while another dialog waits for an answer, which it then asks again
---@field cancel rp.patterns? words that end it
---@field cancelled string? what is said then
---@field timeout string|number? for each answer that has none of its own: "10m", or seconds
---@field timed_out (string|fun(t: rp.turn): string?, table?)? then: the dialog ends with this [the answer is nil, "timeout"]
---@field on_change ("restart"|"finish")? when its code does not fit its journal any more [restart, unless it has sent something]
---@field changed string? what is said then
---@field guards string[]? guards with always = false that look at its replies
---@field description string?

---@class rp.guard
---@field on "message"|"reply"
---@field match rp.patterns? what it looks for
---@field check (fun(t: rp.turn, text: string): boolean?, string?)? asked where `match` is found; true lets the text pass, the second value says why not
---@field action "block"|"replace"|"reply"|"retry"|"handoff"|"flag"
---@field with string? the text to put in, {name} for captures; block and handoff have one of their own
---@field note string? with retry: said to the model when it is asked again
---@field tries integer? with retry: how often it is asked again, 1 to 5 [1]
---@field whole boolean? on replies: hold the reply until all of it is there [false]
---@field when (fun(t: rp.turn): boolean?)?
---@field always boolean? on replies: false for only where a rule, generate or dialog names it in `guards` [true]
---@field priority integer? higher comes first [0]
---@field description string?

---@class rp.generate: rp.shape
---@field when (fun(t: rp.turn): boolean?)?
---@field guards string[]? guards with always = false that look at its reply
---@field description string?

---@class rp.tool A function that models may call. Its name has letters, digits, _ and - only.
---@field description string tells the model when to call it
---@field parameters table? JSON Schema of an object; arguments that do not fit are refused to the model [no arguments]
---@field run fun(t: rp.turn, args: table): any, string? what the model shall read: a text, or a value as JSON; nil and a text: it could not be done
---@field guards string[]? guards with always = false that look at its arguments

---@param name string
---@return fun(rule: rp.rule)
function rule(name) end

---@param name string
---@return fun(dialog: rp.dialog)
function dialog(name) end

---@param name string
---@return fun(guard: rp.guard)
function guard(name) end

---@param name string
---@return fun(generate: rp.generate)
function generate(name) end

---@param name string
---@return fun(tool: rp.tool)
function tool(name) end

---Runs another file of the rules folder, once, and gives what it returns.
---@param path string
function include(path) end

---The value in a JSON file of the bot's folder, read-only.
---@param path string
function json_file(path) end

---@param ... any
function log(...) end

---Seconds since 1970.
---@return integer
function time() end

---@param format string?
---@param seconds integer?
---@return string|table
function date(format, seconds) end

---The option `config` of the stage.
---@type table
config = {}

---@class rp.json
---@field null lightuserdata
json = {}
---@param value any
---@return string
function json.encode(value) end
---@param text string
---@return any
function json.decode(text) end
