// The whole list of faults, from a server that speaks the protocol of anthropic.
import { testFaults } from "./faults.mjs";

testFaults("anthropic");
