// The whole list of faults, from a server that speaks the protocol of openai.
import { testFaults } from "./faults.mjs";

testFaults("openai");
