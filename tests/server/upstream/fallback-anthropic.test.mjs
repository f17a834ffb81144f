// The whole list of faults from a server that speaks the protocol of anthropic, with another one behind it.
import { testFallback } from "./fallback.mjs";

testFallback("anthropic");
