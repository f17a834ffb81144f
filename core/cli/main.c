/* The program: everything it does is in the library. */
int rp_main(int argc, char **argv);

int main(int argc, char **argv) {
    return rp_main(argc, argv);
}
